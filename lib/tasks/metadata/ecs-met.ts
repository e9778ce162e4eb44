/**
 * The `.met` file that accompanies a granule in ECS and its successors: inventory metadata in the Object Description Language
 * (PVL), with the names of the ECS core metadata. One group a class, one object an attribute.
 */
import type { GranuleRecord } from './granule-record.ts';

type Value = string | number;
type Node = { group: string; class?: number; children: Node[] } | { object: string; value: Value };

export function ecsMet(granule: GranuleRecord): string {
  const lines = node({ group: 'INVENTORYMETADATA', children: inventory(granule) }, 0);
  // The master group says so behind its own name.
  lines.splice(1, 0, '  GROUPTYPE = MASTERGROUP');
  return `${lines.join('\n')}\nEND\n`;
}

function inventory(granule: GranuleRecord): Node[] {
  const { box, platform } = granule;
  const nodes: Node[] = [
    {
      group: 'ECSDATAGRANULE',
      children: [
        { object: 'LOCALGRANULEID', value: granule.granuleUr },
        { object: 'PRODUCTIONDATETIME', value: granule.producedAt },
        { object: 'DAYNIGHTFLAG', value: 'Unspecified' },
        { object: 'SIZEMBECSDATAGRANULE', value: Number((granule.bytes / 1024 ** 2).toFixed(6)) },
      ],
    },
    {
      group: 'COLLECTIONDESCRIPTIONCLASS',
      children: [
        { object: 'SHORTNAME', value: granule.collection.shortName },
        { object: 'VERSIONID', value: granule.collection.versionId },
      ],
    },
    { group: 'RANGEDATETIME', children: range(granule) },
    {
      group: 'SPATIALDOMAINCONTAINER',
      children: [
        {
          group: 'HORIZONTALSPATIALDOMAINCONTAINER',
          children: [
            {
              group: 'BOUNDINGRECTANGLE',
              children: [
                { object: 'WESTBOUNDINGCOORDINATE', value: box.west },
                { object: 'NORTHBOUNDINGCOORDINATE', value: box.north },
                { object: 'EASTBOUNDINGCOORDINATE', value: box.east },
                { object: 'SOUTHBOUNDINGCOORDINATE', value: box.south },
              ],
            },
          ],
        },
      ],
    },
    { group: 'PGEVERSIONCLASS', children: [{ object: 'PGEVERSION', value: granule.software.version }] },
    { group: 'INPUTGRANULE', children: [{ object: 'INPUTPOINTER', value: granule.inputs.join(', ') }] },
    {
      group: 'ADDITIONALATTRIBUTES',
      children: additional({ Checksum: granule.sha256, ChecksumAlgorithm: 'SHA-256' }),
    },
  ];
  if (platform) nodes.splice(4, 0, platformNode(platform));
  return nodes;
}

/** Dates and times of day are attributes of their own. */
function range({ begin, end }: GranuleRecord): Node[] {
  const [beginDate = '', beginTime = ''] = begin.replace(/Z$/, '').split('T');
  const [endDate = '', endTime = ''] = end.replace(/Z$/, '').split('T');
  return [
    { object: 'RANGEBEGINNINGDATE', value: beginDate },
    { object: 'RANGEBEGINNINGTIME', value: beginTime },
    { object: 'RANGEENDINGDATE', value: endDate },
    { object: 'RANGEENDINGTIME', value: endTime },
  ];
}

const platformNode = ({ shortName, instrument }: NonNullable<GranuleRecord['platform']>): Node => ({
  group: 'ASSOCIATEDPLATFORMINSTRUMENTSENSOR',
  children: [
    {
      group: 'ASSOCIATEDPLATFORMINSTRUMENTSENSORCONTAINER',
      class: 1,
      children: [
        { object: 'ASSOCIATEDPLATFORMSHORTNAME', value: shortName },
        { object: 'ASSOCIATEDINSTRUMENTSHORTNAME', value: instrument },
        { object: 'ASSOCIATEDSENSORSHORTNAME', value: instrument },
      ],
    },
  ],
});

const additional = (values: Record<string, string>): Node[] =>
  Object.entries(values).map(([name, value], index) => ({
    group: 'ADDITIONALATTRIBUTESCONTAINER',
    class: index + 1,
    children: [
      { object: 'ADDITIONALATTRIBUTENAME', value: name },
      { group: 'INFORMATIONCONTENT', class: index + 1, children: [{ object: 'PARAMETERVALUE', value }] },
    ],
  }));

function node(one: Node, depth: number): string[] {
  const pad = '  '.repeat(depth);
  if ('object' in one) {
    return [
      `${pad}OBJECT = ${one.object}`,
      `${pad}  NUM_VAL = 1`,
      `${pad}  VALUE = ${text(one.value)}`,
      `${pad}END_OBJECT = ${one.object}`,
    ];
  }
  return [
    `${pad}GROUP = ${one.group}`,
    ...(one.class === undefined ? [] : [`${pad}  CLASS = "${one.class}"`]),
    ...one.children.flatMap((child) => node(child, depth + 1)),
    `${pad}END_GROUP = ${one.group}`,
  ];
}

/** A text cannot hold the quote that ends it. */
const text = (value: Value): string =>
  typeof value === 'number' ? String(value) : `"${value.replaceAll('"', "'")}"`;
