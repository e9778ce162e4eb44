/** HDF5 files, netCDF-4 among them, read by the HDF5 library itself (h5wasm). */
import { Dataset, File, Group, ready, type Attribute } from 'h5wasm/node';
import type { Values } from './arrays.ts';
import type { ScienceFile, ScienceVariable } from './science.ts';

/** What the libraries keep for themselves: version numbers, object addresses, the order of definitions. */
const INTERNAL = new Set([
  '_NCProperties',
  '_Netcdf4Dimid',
  '_Netcdf4Coordinates',
  '_nc3_strict',
  'DIMENSION_LIST',
  'REFERENCE_LIST',
]);

/** Throws when the file is no HDF5 file. */
export async function openHdf5(path: string): Promise<ScienceFile> {
  await ready;
  const file = new File(path, 'r');
  const groups: string[] = [];
  const variables: ScienceVariable[] = [];
  const attributes = new Map<string, unknown>();
  const visit = (group: Group): void => {
    groups.push(group.path);
    addAttributes(group.path === '/' ? '' : group.path, group.attrs);
    for (const name of group.keys()) {
      const entity = group.get(name);
      if (entity instanceof Group) visit(entity);
      else if (entity instanceof Dataset) {
        variables.push(variable(entity));
        addAttributes(entity.path, entity.attrs);
      }
    }
  };
  const addAttributes = (at: string, attrs: Record<string, Attribute>): void => {
    for (const [name, attribute] of Object.entries(attrs))
      if (!INTERNAL.has(name)) attributes.set(`${at}@${name}`, plain(attribute.value));
  };
  visit(file);
  return { format: 'HDF5', groups, variables, attributes, close: () => void file.close() };
}

function variable(dataset: Dataset): ScienceVariable {
  const shape = dataset.shape ?? [];
  return {
    path: dataset.path,
    type: typeof dataset.dtype === 'string' ? dataset.dtype : JSON.stringify(dataset.dtype),
    shape,
    dimensions: shape.flatMap((_, index) => dataset.get_attached_scales(index)),
    *blocks(rows) {
      const [first] = shape;
      if (first === undefined) yield list(dataset.value);
      else
        for (let start = 0; start < first; start += rows)
          yield list(dataset.slice([[start, Math.min(start + rows, first)]]));
    },
  };
}

const list = (value: unknown): Values =>
  Array.isArray(value) || ArrayBuffer.isView(value) ? (value as unknown as Values) : [value];

/** Attribute values without typed arrays: one value where there is one. */
function plain(value: unknown): unknown {
  if (!ArrayBuffer.isView(value)) return value;
  const values = Array.from(value as unknown as ArrayLike<unknown>);
  return values.length === 1 ? values[0] : values;
}
