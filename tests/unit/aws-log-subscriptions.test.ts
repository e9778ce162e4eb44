import { describe, expect, test } from '@jest/globals';
import { checkForwarding, subscriptions } from '../../lib/aws/log-subscriptions.ts';

const NONE = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:none';
const ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:splunk-AbCdEf';

describe('forwarding logs to Splunk', () => {
  test('subscribes the log group of each function and of each task', () => {
    const made = subscriptions(['dispatch', 'run'], ['osm-mapsforge']);
    expect(
      Object.entries(made).map(([id, { Condition, Properties }]) => [id, Condition, Properties.LogGroupName]),
    ).toEqual([
      ['DispatchLogGroupSubscription', 'ForwardLogs', { Ref: 'DispatchLogGroup' }],
      ['RunLogGroupSubscription', 'ForwardLogs', { Ref: 'RunLogGroup' }],
      ['OsmMapsforgeTaskLogGroupSubscription', 'ForwardLogs', { Ref: 'OsmMapsforgeTaskLogGroup' }],
    ]);
  });

  test('is off without settings, and on with both', () => {
    expect(() => checkForwarding('', NONE)).not.toThrow();
    expect(() => checkForwarding('https://splunk.example.com:8088', ARN)).not.toThrow();
  });

  test.each([
    ['https://splunk.example.com:8088', NONE],
    ['https://splunk.example.com:8088', '0d6a1c8e-token-itself'],
    ['', ARN],
    ['http://splunk.example.com:8088', ARN],
  ])('is refused with the URL "%s" and the secret "%s", before anything is deployed', (url, arn) => {
    expect(() => checkForwarding(url, arn)).toThrow(/param splunkHec/);
  });
});
