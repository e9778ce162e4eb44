import { describe, expect, test } from '@jest/globals';
import { readFileList } from '../../../lib/tasks/file-list.ts';

const MD5 = '5d41402abc4b2a76b9719d911017c592';
const SHA256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

describe('a list of files', () => {
  test('is read from a Cloud Notification Message', () => {
    const message = {
      version: '1.6.0',
      product: {
        name: 'HS3_CPL_12203a',
        files: [
          { name: 'a.hdf5', uri: 's3://x/a.hdf5', size: 5, checksum: MD5.toUpperCase(), checksumType: 'md5' },
          { name: 'b.hdf5', size: 7, checksum: 'zzz', checksumType: 'SHA512' },
        ],
      },
    };
    expect(readFileList(JSON.stringify(message))).toEqual([
      { name: 'a.hdf5', bytes: 5, md5: MD5 },
      { name: 'b.hdf5', bytes: 7 },
    ]);
  });

  test('is read from plain JSON', () => {
    const text = JSON.stringify({ files: ['in/a.txt', { fileName: 'b.txt', bytes: 2, sha256: SHA256 }] });
    expect(readFileList(text)).toEqual([{ name: 'a.txt' }, { name: 'b.txt', bytes: 2, sha256: SHA256 }]);
    expect(readFileList('["a.txt"]')).toEqual([{ name: 'a.txt' }]);
  });

  test('is read from a Product Delivery Record', () => {
    const text = `ORIGINATING_SYSTEM=CPL;
TOTAL_FILE_COUNT=2;
OBJECT=FILE_GROUP;
  DATA_TYPE=hs3cpl;
  OBJECT=FILE_SPEC;
    DIRECTORY_ID=/data/out;
    FILE_ID="a.hdf5";
    FILE_TYPE=SCIENCE;
    FILE_SIZE=5;
    FILE_CKSUM_TYPE=MD5;
    FILE_CKSUM_VALUE="${MD5}";
  END_OBJECT=FILE_SPEC;
  OBJECT=FILE_SPEC;
    FILE_ID=a.xml;
    FILE_SIZE=7;
  END_OBJECT=FILE_SPEC;
END_OBJECT=FILE_GROUP;
`;
    expect(readFileList(text)).toEqual([
      { name: 'a.hdf5', bytes: 5, md5: MD5 },
      { name: 'a.xml', bytes: 7 },
    ]);
  });

  test('is read from what md5sum and sha256sum write', () => {
    expect(readFileList(`# made by hand\n${MD5}  a.hdf5\r\n${SHA256} *b one.hdf5\nplain.txt\n`)).toEqual([
      { name: 'a.hdf5', md5: MD5 },
      { name: 'b one.hdf5', sha256: SHA256 },
      { name: 'plain.txt' },
    ]);
  });

  test('is read from the sums of BSD and macOS, of other lengths, and of paths anywhere', () => {
    const lines = [
      `MD5 (a.hdf5) = ${MD5}`,
      `SHA256 (b (one).hdf5) = ${SHA256}`,
      `${'c'.repeat(40)}  c.hdf5`,
      `${MD5} *D:\\data\\d.hdf5`,
      '../../e.hdf5',
      '/data/f.hdf5',
      'cafe g.hdf5',
    ];
    expect(readFileList(lines.join('\n'))).toEqual([
      { name: 'a.hdf5', md5: MD5 },
      { name: 'b (one).hdf5', sha256: SHA256 },
      { name: 'c.hdf5' },
      { name: 'd.hdf5', md5: MD5 },
      { name: 'e.hdf5' },
      { name: 'f.hdf5' },
      { name: 'cafe g.hdf5' },
    ]);
  });

  test.each([
    ['', /lists no files/],
    ['{"a": 1}', /no "files"/],
    ['[{"size": 1}]', /file 1 has no "name"/],
    ['\u0000\u0001', /no text/],
    ['a.txt\na.txt', /twice/],
    ['["a.txt", "data/"]', /lists "", which can be no file's name/],
    ['["../.."]', /lists "\.\.", which can be no/],
    ['<!DOCTYPE html>\n<p>Log in', /HTML or XML/],
    [JSON.stringify(Array.from({ length: 1001 }, (_, at) => `${at}`)), /1001 files, and 1000 is the limit/],
    ['OBJECT=FILE_SPEC; FILE_SIZE=1; END_OBJECT=FILE_SPEC;', /FILE_SPEC 1 has no FILE_ID/],
  ])('that is %j is refused', (text, reason) => {
    expect(() => readFileList(text)).toThrow(reason);
  });
});
