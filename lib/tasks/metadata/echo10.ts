/**
 * ECHO 10 granule metadata, as NASA's archives send it to the Common Metadata Repository (Cumulus calls such a file
 * `.cmr.xml`, older flows `.meta.xml`). The schema is a sequence: the order of the elements is part of the format.
 * https://git.earthdata.nasa.gov/projects/EMFD/repos/echo-schemas, Granule.xsd of ECHO 10
 */
import type { GranuleRecord } from './granule-record.ts';
import { xmlDocument, type XmlElement } from './xml.ts';

/** A `Granule` document. */
export function echo10Granule(granule: GranuleRecord): string {
  return xmlDocument([
    'Granule',
    [
      ['GranuleUR', cut(granule.granuleUr, 250)],
      ['InsertTime', granule.producedAt],
      ['LastUpdate', granule.producedAt],
      [
        'Collection',
        [
          ['ShortName', granule.collection.shortName],
          ['VersionId', granule.collection.versionId],
        ],
      ],
      ['DataGranule', dataGranule(granule)],
      [
        'PGEVersionClass',
        [
          ['PGEName', granule.software.name],
          ['PGEVersion', cut(granule.software.version, 10)],
        ],
      ],
      [
        'Temporal',
        [
          [
            'RangeDateTime',
            [
              ['BeginningDateTime', granule.begin],
              ['EndingDateTime', granule.end],
            ],
          ],
        ],
      ],
      ['Spatial', spatial(granule)],
      ['MeasuredParameters', granule.parameters.map(measuredParameter)],
      ['Platforms', platforms(granule)],
      [
        'Campaigns',
        granule.campaign === undefined ? undefined : [['Campaign', [['ShortName', granule.campaign]]]],
      ],
      ['InputGranules', granule.inputs.map((input): XmlElement => ['InputGranule', input])],
      [
        'OnlineAccessURLs',
        granule.url === undefined
          ? undefined
          : [
              [
                'OnlineAccessURL',
                [
                  ['URL', granule.url],
                  ['MimeType', 'application/x-netcdf'],
                ],
              ],
            ],
      ],
      ['Orderable', true],
      ['DataFormat', granule.dataFormat],
      ['Visible', true],
    ],
  ]);
}

const dataGranule = (granule: GranuleRecord): XmlElement[] => [
  ['DataGranuleSizeInBytes', granule.bytes],
  ['SizeMBDataGranule', (granule.bytes / 1024 ** 2).toFixed(6)],
  [
    'Checksum',
    [
      ['Value', granule.sha256],
      ['Algorithm', 'SHA-256'],
    ],
  ],
  ['ProducerGranuleId', cut(granule.granuleUr, 128)],
  // A lidar of its own light: whether the sun shone is not in the file.
  ['DayNightFlag', 'UNSPECIFIED'],
  ['ProductionDateTime', granule.producedAt],
];

const spatial = ({ box, vertical }: GranuleRecord): XmlElement[] => [
  [
    'VerticalSpatialDomains',
    vertical === undefined
      ? undefined
      : [
          verticalDomain('Minimum Altitude', vertical.lowest, vertical.unit),
          verticalDomain('Maximum Altitude', vertical.highest, vertical.unit),
        ],
  ],
  [
    'HorizontalSpatialDomain',
    [
      [
        'Geometry',
        [
          [
            'BoundingRectangle',
            [
              ['WestBoundingCoordinate', box.west],
              ['NorthBoundingCoordinate', box.north],
              ['EastBoundingCoordinate', box.east],
              ['SouthBoundingCoordinate', box.south],
            ],
          ],
        ],
      ],
    ],
  ],
];

const verticalDomain = (type: string, value: number, unit: string): XmlElement => [
  'VerticalSpatialDomain',
  [
    ['Type', type],
    ['Value', `${Number(value.toFixed(4))} ${unit}`],
  ],
];

const measuredParameter = ({ name, percentMissing }: GranuleRecord['parameters'][number]): XmlElement => [
  'MeasuredParameter',
  [
    ['ParameterName', cut(name, 250)],
    ['QAStats', [['QAPercentMissingData', percentMissing]]],
  ],
];

const platforms = ({ platform }: GranuleRecord): XmlElement[] | undefined =>
  platform && [
    [
      'Platform',
      [
        ['ShortName', platform.shortName],
        ['Instruments', [['Instrument', [['ShortName', platform.instrument]]]]],
      ],
    ],
  ];

/** The schema's own limits of length. */
const cut = (text: string, most: number): string => text.slice(0, most);
