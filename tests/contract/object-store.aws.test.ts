/** The S3 store, by the contract: against fauxqs, with what fauxqs lacks put in front of it (tests/doubles/s3.ts). */
import { S3Store } from '../../lib/aws/s3-store.ts';
import { startS3 } from '../doubles/s3.ts';
import { describeObjectStoreContract } from './object-store.suite.ts';

describeObjectStoreContract('S3Store', async () => {
  const aws = await startS3();
  aws.createBucket('one');
  aws.createBucket('other');
  return {
    store: new S3Store({ client: aws.s3, bucket: 'one' }),
    other: new S3Store({ client: aws.s3, bucket: 'other' }),
    close: async () => await aws.stop(),
  };
});
