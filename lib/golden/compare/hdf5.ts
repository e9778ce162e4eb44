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

/** Throws an Error with the library's reason when the file cannot be read: it was cut short, a header is damaged. */
export async function openHdf5(path: string): Promise<ScienceFile> {
  const library = await ready;
  // Without this the library prints its stack of calls, and goes on.
  library.activate_throwing_error_handler();
  const file = opened(path);
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

function opened(path: string): File {
  try {
    return new File(path, 'r');
  } catch (error) {
    throw new Error(reasonOf(error), { cause: error });
  }
}

/** The innermost of the library's calls says why: `… in H5F_open(): truncated file: eof = 5000, …`. */
function reasonOf(error: unknown): string {
  const calls = [...String(error).matchAll(/^ *#\d+: .*?\(\): (.*)$/gm)];
  return calls.at(-1)?.[1] ?? String(error);
}

function variable(dataset: Dataset): ScienceVariable {
  const shape = dataset.shape ?? [];
  return {
    path: dataset.path,
    type: typeName(dataset.dtype),
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

const KINDS: Record<string, string> = {
  b: 'int8',
  h: 'int16',
  i: 'int32',
  q: 'int64',
  B: 'uint8',
  H: 'uint16',
  I: 'uint32',
  Q: 'uint64',
  e: 'float16',
  f: 'float32',
  d: 'float64',
};

/** `float32`, and `big-endian float32`, for the library's `<f` and `>f`; others (text of a length, records) as it has them. */
function typeName(dtype: unknown): string {
  if (typeof dtype !== 'string') return JSON.stringify(dtype);
  const kind = KINDS[dtype.slice(1)];
  return kind === undefined ? dtype : `${dtype.startsWith('>') ? 'big-endian ' : ''}${kind}`;
}

const list = (value: unknown): Values =>
  Array.isArray(value) || ArrayBuffer.isView(value) ? (value as unknown as Values) : [value];

/** Attribute values without typed arrays: one value where there is one. */
function plain(value: unknown): unknown {
  if (!ArrayBuffer.isView(value)) return value;
  const values = Array.from(value as unknown as ArrayLike<unknown>);
  return values.length === 1 ? values[0] : values;
}
