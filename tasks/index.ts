/** Every task, one line each: what the Lambdas are bundled with. A test checks that no folder is missing here. */
import { taskMap } from '../lib/tasks/task-map.ts';
import hdf5Netcdf from './hdf5-netcdf/task.ts';
import osmMapsforge from './osm-mapsforge/task.ts';

export const tasks = taskMap([hdf5Netcdf, osmMapsforge]);
