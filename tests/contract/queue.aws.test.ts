/** The SQS queue, by the contract, against fauxqs. */
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { SqsQueue } from '../../lib/aws/sqs-queue.ts';
import { startS3 } from '../doubles/s3.ts';
import { describeQueueContract } from './queue.suite.ts';

describeQueueContract('SqsQueue', async () => {
  const aws = await startS3();
  const url = aws.createQueue('queue');
  await aws.sqs.send(
    new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { VisibilityTimeout: '1' } }),
  );
  return { queue: new SqsQueue({ client: aws.sqs, url }), close: async () => await aws.stop() };
});
