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
    return {
      path: `/${one.name}`,
      type: one.type,
      shape: dimensions.map(({ name, size }) => (name === recordName ? length : size)),
      dimensions: dimensions.map(({ name }) => name),
      *blocks() {
        // Records come as arrays of their own where they hold more than one value.
        yield reader.getDataVariable(one).flat();
      },
    };
  });
  return { format: `netCDF ${reader.version}`, groups: ['/'], variables, attributes, close: () => {} };
}
