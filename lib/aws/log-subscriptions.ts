/** CloudFormation of the subscriptions that send log lines to Firehose (resources/log-forwarding.yml). */
import { logicalName, type Resources } from './task-definition.ts';

/** What serverless.yml has in its place: CloudFormation wants something of this form even where it is not used. */
const NO_SECRET = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:none';

const SECRET = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+$/;

/** Throws what is wrong with the two parameters: one without the other would forward nothing, or fail in the middle. */
export function checkForwarding(url: string, secretArn: string): void {
  if (url === '' && secretArn === NO_SECRET) return;
  if (!/^https:\/\/[^/\s]+/.test(url))
    throw new Error(
      `param splunkHecUrl is "${url}", but must be https://HOST:PORT of the HTTP Event Collector`,
    );
  if (secretArn === NO_SECRET || !SECRET.test(secretArn))
    throw new Error(
      'param splunkHecTokenSecret must be the ARN of a secret in Secrets Manager that holds {"hec_token": "…"}: the token itself stands in no template',
    );
}

/** One for each log group: of the functions, and of the tasks. */
export function subscriptions(functions: Iterable<string>, tasks: Iterable<string>): Resources {
  const groups = [
    ...[...functions].map((name) => `${logicalName(name)}LogGroup`),
    ...[...tasks].map((name) => `${logicalName(name)}TaskLogGroup`),
  ];
  return Object.fromEntries(
    groups.map((group) => [
      `${group}Subscription`,
      {
        Type: 'AWS::Logs::SubscriptionFilter',
        Condition: 'ForwardLogs',
        Properties: {
          LogGroupName: { Ref: group },
          FilterName: 'splunk',
          // All of them.
          FilterPattern: '',
          DestinationArn: { 'Fn::GetAtt': ['LogForwarding', 'Arn'] },
          RoleArn: { 'Fn::GetAtt': ['LogSubscriptionRole', 'Arn'] },
        },
      },
    ]),
  );
}
