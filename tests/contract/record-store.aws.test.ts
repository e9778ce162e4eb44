/** The ledger over S3, by the contract: against fauxqs, with what fauxqs lacks put in front of it (tests/doubles/s3.ts). */
import { S3Records } from '../../lib/aws/s3-records.ts';
import { startS3 } from '../doubles/s3.ts';
import { describeRecordStoreContract } from './record-store.suite.ts';

describeRecordStoreContract('S3Records', async () => {
  const aws = await startS3();
  aws.createBucket('state');
  return {
    records: new S3Records({ client: aws.s3, bucket: 'state', prefix: 'ledger/' }),
    close: async () => await aws.stop(),
  };
});
