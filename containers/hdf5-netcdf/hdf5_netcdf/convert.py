"""One granule becomes one CF netCDF file."""

import os
from dataclasses import replace
from typing import Any

import netCDF4
import numpy as np

from .cf import cf_attributes, of_variable, safe_name, unique
from .coordinates import write_coordinates
from .describe import global_attributes, told
from .examine import Granule, examine, expected_dims
from .params import Params
from .products import ALTITUDE, COORDINATES, KNOWN, Known
from .source import attributes, is_column, lost_attributes, open_granule
from .units import said_units, understood, units_for
from .values import Counts, Values, blocks, filled, rows_of, values_of

COMPRESSION = {"compression": "zlib", "complevel": 4, "shuffle": True}
# A single value or a handful is not worth a chunk, a filter and their overhead.
LEAST_COMPRESSED = 64
# Of a chunk, behind its first dimension.
MOST_ACROSS = 1024
# Names that a variable of the granule cannot have.
DIMENSIONS = ("time", "altitude", "bin", "layer")
# Of a file that is not whole.
UNNAMED = ".unnamed.nc"
# The name of its type in the report.
TEXT = np.dtype("S1").name
LOST = "netCDF has no such attribute"


def convert(path: str, output: str, params: Params) -> dict[str, Any]:
    """Writes `output/NAME.nc`; returns what the report says of it. Raises BadInput."""
    name = os.path.splitext(os.path.basename(path))[0]
    with open_granule(path) as file:
        granule = examine(name, path, file, params)
        # The netCDF library reads more into a name than its letters: a backslash parts folders.
        unnamed = os.path.join(output, UNNAMED)
        with netCDF4.Dataset(unnamed, "w", format="NETCDF4") as dataset:
            facts = _write(granule, dataset, params)
        os.replace(unnamed, os.path.join(output, f"{name}.nc"))
        return facts


def _write(granule: Granule, dataset: netCDF4.Dataset, params: Params) -> dict[str, Any]:
    file = File(dataset, granule)
    write_coordinates(granule, dataset, params)
    for path, group in granule.contents.groups:
        file.add_group(path).setncatts(cf_attributes(attributes(group)))
    left = dict(granule.contents.left)
    datasets = [(item.path, item.dataset) for item in granule.contents.items]
    for path, owner in [("", granule.file), *granule.contents.groups, *datasets]:
        left.update({f"{path}@{name}": LOST for name in lost_attributes(owner)})
    written: dict[str, Any] = {}
    held = _held_by_coordinates(granule)
    for item in granule.contents.items:
        if item.path in held:
            continue
        parts, reasons = values_of(item, params.conventions)
        left.update(reasons)
        for values in parts:
            path, facts = _write_variable(granule, file, values)
            written[path] = facts
    dataset.setncatts(global_attributes(granule, params))
    used = {dim: None for facts in written.values() if facts["type"] != TEXT for dim in facts["dimensions"]}
    lengths = {dim: dataset.dimensions[dim].size for dim in ("time", *used)}
    return told(granule, lengths, written, left, params)


def _held_by_coordinates(granule: Granule) -> set[str]:
    """What the coordinates hold wholly need not be there twice."""
    whole = [granule.found[one] for one in (*COORDINATES, ALTITUDE) if one in granule.found]
    return {item.path for item in whole if is_column(item)}


class File:
    """The file that is written: names that are taken, in each group, and dimensions."""

    def __init__(self, dataset: netCDF4.Dataset, granule: Granule) -> None:
        self.dataset = dataset
        self.granule = granule
        self.groups = {"": ""}
        self.taken = {"": {"latitude", "longitude", *DIMENSIONS}}

    def add_group(self, path: str) -> netCDF4.Group:
        parent, _, name = path.rpartition("/")
        self.groups[path] = "/".join(filter(None, (self.groups[parent], self.name(parent, name))))
        # A variable of a dimension's name would be its coordinate (netCDF): these names are the coordinates' own.
        self.taken[path] = set(DIMENSIONS)
        return self.dataset.createGroup(self.groups[path])

    def name(self, group: str, name: str) -> str:
        """One that CF allows, and nothing else in the group has."""
        return unique(safe_name(name), self.taken[group])

    def dimensions(self, dims: tuple[str, ...], shape: tuple[int, ...]) -> tuple[str, ...]:
        """Made where they are not there. Of another length than the variable before needs it (layers), it gets another name."""
        names = []
        for known, size in zip(dims, shape):
            dim = self.granule.altitude.dimension if known == "altitude" and self.granule.altitude else known
            there = self.dataset.dimensions.get(dim)
            name = dim if there is None or there.size == size else f"{dim}_{size}"
            if name not in self.dataset.dimensions:
                self.dataset.createDimension(name, size)
            names.append(name)
        return tuple(names)


def _write_variable(granule: Granule, file: File, values: Values) -> tuple[str, dict[str, Any]]:
    item = values.item
    known = KNOWN.get(item.name) if not values.suffix else None
    if known is not None and expected_dims(granule, known, values.shape) is None:
        values = _squeezed(granule, values, known)
    dims = _dims(granule, values, known)
    shape = values.shape if dims else ()
    dims = file.dimensions(dims, shape)
    name = file.name(item.group, item.name + values.suffix)
    path = "/".join(filter(None, (file.groups[item.group], name)))
    options: dict[str, Any] = {} if values.fill is None else {"fill_value": values.fill}
    if int(np.prod(shape)) >= LEAST_COMPRESSED:
        options |= {**COMPRESSION, "chunksizes": _chunks(shape, values.dtype.itemsize)}
    variable = file.dataset.createVariable(path, values.dtype, dims, **options)
    # Blocks are in the type and with the fill values that the file gets.
    variable.set_auto_maskandscale(False)
    counts = Counts()
    for at, read in blocks(values):
        block = filled(values, read, known.valid if known else None, counts)
        variable[at if dims else ()] = block if dims else block.reshape(())
    variable.setncatts(_attributes(granule, values, known, dims, name, counts))
    return path, {"type": values.dtype.name, "dimensions": list(dims), "missing": counts.missing,
                  **({} if counts.least is None else {"range": [counts.least, counts.most]})}


def _chunks(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    return tuple(min(size, rows_of(shape, itemsize) if at == 0 else MOST_ACROSS) for at, size in enumerate(shape))


def _squeezed(granule: Granule, values: Values, known: Known) -> Values:
    """A table of one column is a column, where the description says so."""
    shape = tuple(size for size in values.shape if size != 1)
    if expected_dims(granule, known, shape) is None or not shape or values.shape[0] != shape[0]:
        return values
    reader = values.read
    return replace(values, shape=shape, read=lambda at: reader(at).reshape(-1, *shape[1:]))


def _dims(granule: Granule, values: Values, known: Known | None) -> tuple[str, ...]:
    shape = values.shape
    if values.dtype.kind == "S":
        # A letter for each profile, a flag, is no text as long as there are profiles.
        flags = shape == values.item.shape and shape == (granule.profiles,)
        return ("time",) if flags else (*_guessed_dims(granule, shape[:-1]), f"string_{shape[-1]}")
    dims = expected_dims(granule, known, shape) if known is not None else None
    if dims is not None:
        return dims
    # A value in an array of one is a value.
    return () if int(np.prod(shape)) == 1 else _guessed_dims(granule, shape)


def _guessed_dims(granule: Granule, shape: tuple[int, ...]) -> tuple[str, ...]:
    """By length: as many as profiles, as many as bins, else a dimension of its own. Each serves a variable once."""
    dims: list[str] = []
    for size in shape:
        if size == granule.profiles and "time" not in dims:
            dims.append("time")
        elif granule.altitude and size == granule.altitude.bins and "altitude" not in dims:
            dims.append("altitude")
        else:
            same = f"dim_{size}"
            dims.append(f"{same}_{dims.count(same) + 1}" if same in dims else same)
    return tuple(dims)


def _attributes(granule: Granule, values: Values, known: Known | None, dims: tuple[str, ...], name: str,
                counts: Counts) -> dict[str, Any]:
    item = values.item
    carried = of_variable(cf_attributes(attributes(item.dataset)), values.dtype)
    ours: dict[str, Any] = dict(values.attributes)
    if "flag_values" in ours:
        ours["flag_values"] = ours["flag_values"].astype(values.dtype)
    if known is not None:
        ours |= {"long_name": known.long_name, **known.attributes}
    elif "long_name" not in carried:
        ours["long_name"] = (item.name + values.suffix).replace("_", " ")
    said = said_units(item)
    if not said or values.dtype.kind == "S":
        carried.pop("units", None)
    elif known is not None and not understood(said):
        ours["original_units"] = said
    if known is not None and values.dtype.kind != "S":
        ours |= {} if known.standard_name is None else {"standard_name": known.standard_name}
        seen = [one for one in (counts.least, counts.most) if one is not None]
        ours |= {} if known.units is None else {"units": units_for(item, known.units, seen)}
    if values.dtype.kind != "S" and "time" in dims:
        ours["coordinates"] = "latitude longitude"
        if granule.altitude and granule.altitude.levels is None and granule.altitude.dimension in dims and item.name != ALTITUDE:
            ours["coordinates"] += f" {ALTITUDE}"
    if name != item.path:
        ours["original_name"] = item.path + values.suffix
    return {**carried, **ours}
