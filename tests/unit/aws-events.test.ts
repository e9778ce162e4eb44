/** Golden pairs: tests/events/<source>/x.json must become x.expected.json. A new pair is picked up by its name. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { decodeKey, padSequencer, pipelineMessages, taskStateChange } from '../../lib/aws/events.ts';

const folder = fileURLToPath(new URL('../events/', import.meta.url));
const read = (path: string): string => readFileSync(`${folder}${path}`, 'utf8');

/** Names without ending. An event without its expectation fails, and the other way round. */
function pairs(source: string): string[] {
  const names = readdirSync(`${folder}${source}`);
  return [...new Set(names.map((name) => name.replace(/(\.expected)?\.json$/, '')))];
}

describe('messages in the jobs queue', () => {
  test.each(pairs('s3'))('%s', (name) => {
    expect(pipelineMessages(read(`s3/${name}.json`))).toEqual(JSON.parse(read(`s3/${name}.expected.json`)));
  });

  test.each(['no JSON at all', '{"kind":"unheard-of"}', '"text"', 'null', '{"Records":[{"eventName":7}]}'])(
    'anything else is an error: %s',
    (body) => {
      expect(() => pipelineMessages(body)).toThrow(/Neither an S3 notification|expected string/);
    },
  );

  test('a file without its ETag is an error, not a file without content', () => {
    const event = JSON.parse(read('s3/one-file.json')) as {
      Records: { s3: { object: { eTag?: string } } }[];
    };
    delete event.Records[0]!.s3.object.eTag;
    expect(() => pipelineMessages(JSON.stringify(event))).toThrow('eTag');
  });

  test('a key of 1,024 bytes comes back as it was', () => {
    const key = `a/${'ä +%'.repeat(204)}xx`;
    expect(Buffer.byteLength(key)).toBe(1024);
    expect(decodeKey(encodeURIComponent(key).replaceAll('%20', '+'))).toBe(key);
  });

  test('sequencers of any length are ordered as text', () => {
    const inOrder = [
      '00',
      '0055AED6DCD90281E5',
      '0055AED6DCD90281E50',
      '0055AED6DCD90281E501',
      '0055aed6dcd90281e51',
    ];
    const padded = inOrder.map(padSequencer);
    expect(padded.toSorted()).toEqual(padded);
  });
});

describe('ECS task state changes', () => {
  test.each(pairs('ecs'))('%s', (name) => {
    const event: unknown = JSON.parse(read(`ecs/${name}.json`));
    expect(taskStateChange(event)).toEqual(JSON.parse(read(`ecs/${name}.expected.json`)));
  });

  test('another event is an error', () => {
    expect(() => taskStateChange({ 'detail-type': 'ECS Service Action', detail: {} })).toThrow('detail-type');
  });
});
