/** NetCDF classic files (CDF-1 and CDF-2). */
import { readFile } from 'node:fs/promises';
import { NetCDFReader } from 'netcdfjs';
import type { ScienceFile, ScienceVariable } from './science.ts';

export async function openNetcdf3(path: string): Promise<ScienceFile> {
  const reader = new NetCDFReader(await readFile(path));
  const attributes = new Map<string, unknown>();
  for (const { name, value } of reader.globalAttributes) attributes.set(`@${name}`, value);
  const variables = reader.variables.map((one): ScienceVariable => {
    for (const { name, value } of one.attributes as { name: string; value: unknown }[])
      attributes.set(`/${one.name}@${name}`, value);
    const dimensions = one.dimensions.map((index) => reader.dimensions[index]!);
    const { name: recordName, length } = reader.recordDimension;
    const shape = dimensions.map(({ name, size }) => (one.record && name === recordName ? length : size));
    return {
      path: `/${one.name}`,
      type: one.type,
      shape,
      dimensions: dimensions.map(({ name }) => name),
      *blocks() {
        const values = reader.getDataVariable(one);
        yield one.record
          ? values.flatMap((record) => unpadded(record, product(shape.slice(1))))
          : unpadded(values, product(shape));
      },
    };
  });
  return { format: `netCDF ${reader.version}`, groups: ['/'], variables, attributes, close: () => {} };
}

const product = (lengths: number[]): number => lengths.reduce((all, length) => all * length, 1);

/** The format fills up to four bytes, and the reader gives what it finds there as further values. Text comes as one string. */
const unpadded = (values: unknown, count: number): unknown[] =>
  Array.isArray(values) ? values.slice(0, count) : [values];
