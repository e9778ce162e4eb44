/** Events to EventBridge (an emulator's), by PutEvents over plain HTTP: emulators ask for no valid signature. */
import type { TaskStateChange } from './events.ts';

export function putEvents(endpoint: string, bus = 'default'): (event: TaskStateChange) => Promise<void> {
  return async ({ source, 'detail-type': detailType, detail, resources, time, region }) => {
    const entry = {
      Source: source,
      DetailType: detailType,
      Detail: JSON.stringify(detail),
      Resources: resources,
      Time: Date.parse(time) / 1000,
      EventBusName: bus,
    };
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'AWSEvents.PutEvents',
        authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/events/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify({ Entries: [entry] }),
    });
    const words = await answer.text();
    if (!answer.ok) throw new Error(`PutEvents was answered ${answer.status}: ${words.slice(0, 500)}`);
    const { FailedEntryCount = 0 } = JSON.parse(words) as { FailedEntryCount?: number };
    if (FailedEntryCount > 0) throw new Error(`PutEvents failed: ${words.slice(0, 500)}`);
  };
}
