"""One granule becomes one CF netCDF file."""

import hashlib
import os
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

import h5py
import netCDF4
import numpy as np

from . import VERSION
from .cf import cf_attributes, safe_name, unique
from .errors import BadInput
from .params import Params
from .products import ALTITUDE, COORDINATES, CURTAIN, KNOWN, LATITUDE, LONGITUDE, REQUIRED, TITLES, Known, product_of
from .source import Item, attributes, column, dangling, groups, is_column, items, open_granule, read_text
from .times import Times, read_times
from .track import boxes, track
from .values import ROWS, Counts, NotCarried, Values, block_of, rows, values_of

COMPRESSION = {"compression": "zlib", "complevel": 4, "shuffle": True}
VOCABULARY = "CF Standard Name Table v93"
# A single value or a handful is not worth a chunk, a filter and their overhead.
LEAST_COMPRESSED = 64


@dataclass
class Granule:
    """A granule that is open, and what was found out about it so far."""

    name: str
    path: str
    file: h5py.File
    found: dict[str, Item]
    product: str
    times: Times
    latitude: np.ndarray
    longitude: np.ndarray
    altitude: np.ndarray | None
    missing: list[str]
    notes: list[str] = field(default_factory=list)


def convert(path: str, output: str, params: Params) -> dict[str, Any]:
    """Writes `output/NAME.nc`; returns what the report says of it. Raises BadInput."""
    name = os.path.splitext(os.path.basename(path))[0]
    with open_granule(path) as file:
        granule = _examine(name, path, file, params)
        target = os.path.join(output, f"{name}.nc")
        with netCDF4.Dataset(target, "w", format="NETCDF4") as dataset:
            return _write(granule, dataset, params)


# --- What there is -----------------------------------------------------------------------------------------------


def _examine(name: str, path: str, file: h5py.File, params: Params) -> Granule:
    found = _find(file)
    product = product_of(name, set(found))
    missing = [one for one in (*REQUIRED.get(product, ()), *COORDINATES) if one not in found]
    curtains = [one for one in found if one in KNOWN and KNOWN[one].dims == CURTAIN]
    if curtains and ALTITUDE not in found:
        missing.append(ALTITUDE)
    fatal = [one for one in missing if one in (*COORDINATES, ALTITUDE)]
    if fatal or (missing and params.missing == "refuse"):
        raise BadInput(f"{name} lacks {', '.join(missing)}; it has {', '.join(sorted(found)) or 'no variables'}")
    times = read_times(found, name)
    latitude, longitude = (_position(found[one], times.seconds.size, name) for one in COORDINATES)
    if not np.any(np.isfinite(latitude) & np.isfinite(longitude)):
        raise BadInput(f"{name}: no profile has a valid Latitude and Longitude")
    altitude = _altitude(found[ALTITUDE], name) if ALTITUDE in found else None
    notes = [f"{one} has {_shape(found[one].shape)} values; the coordinate is the middle one of each profile"
             for one in COORDINATES if not is_column(found[one])]
    granule = Granule(name, path, file, found, product, times, latitude, longitude, altitude, missing, notes)
    _check_shapes(granule)
    return granule


def _find(file: h5py.File) -> dict[str, Item]:
    """Variables by name; one in the root goes before one of its name in a group."""
    found: dict[str, Item] = {}
    for item in items(file):
        if item.name not in found or item.group == "":
            found[item.name] = item
    return found


def _position(item: Item, profiles: int, name: str) -> np.ndarray:
    degrees = column(item)
    if degrees.size != profiles:
        raise BadInput(f"{name}: {item.path} has {degrees.size} values, but there are {profiles} profiles")
    most = 90 if item.name == LATITUDE else 360
    with np.errstate(invalid="ignore"):
        degrees[np.abs(degrees) > most] = np.nan
    return degrees


def _altitude(item: Item, name: str) -> np.ndarray:
    bins = column(item)
    steps = np.diff(bins)
    if bins.size != max(item.shape or (1,)):
        raise BadInput(f"{name}: {ALTITUDE} is {_shape(item.shape)}, but must have one value a bin")
    if not np.all(np.isfinite(bins)) or not (np.all(steps < 0) or np.all(steps > 0)):
        raise BadInput(f"{name}: {ALTITUDE} must fall or rise from bin to bin, without gaps")
    return bins


def _check_shapes(granule: Granule) -> None:
    for name in REQUIRED.get(granule.product, ()):
        if name not in granule.found:
            continue
        item, known = granule.found[name], KNOWN[name]
        if _expected_dims(granule, known, item.shape) is None:
            sizes = {"time": granule.times.seconds.size, "altitude": _bins(granule)}
            wanted = " × ".join(str(sizes.get(dim) or dim) for dim in known.dims)
            raise BadInput(f"{granule.name}: {name} is {_shape(item.shape)}, but must be {wanted} (profiles first)")


def _bins(granule: Granule) -> int | None:
    return None if granule.altitude is None else granule.altitude.size


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "a single value"


# --- Dimensions --------------------------------------------------------------------------------------------------


def _expected_dims(granule: Granule, known: Known, shape: tuple[int, ...]) -> tuple[str, ...] | None:
    """The dimensions that the product's description gives, when the shape is theirs."""
    if len(shape) != len(known.dims):
        return None
    sizes = {"time": granule.times.seconds.size, "altitude": _bins(granule)}
    fits = all(sizes.get(dim, size) == size for dim, size in zip(known.dims, shape))
    return known.dims if fits else None


def _guessed_dims(granule: Granule, shape: tuple[int, ...]) -> tuple[str, ...]:
    """By length: as many as profiles, as many as bins, else a dimension of its own. Each serves a variable once."""
    dims: list[str] = []
    for size in shape:
        if size == granule.times.seconds.size and "time" not in dims:
            dims.append("time")
        elif size == _bins(granule) and "altitude" not in dims:
            dims.append("altitude")
        else:
            same = f"dim_{size}"
            dims.append(f"{same}_{dims.count(same) + 1}" if same in dims else same)
    return tuple(dims)


def _dims(granule: Granule, values: Values, known: Known | None) -> tuple[str, ...]:
    if values.dtype.kind == "S":
        leading = values.shape[:-1]
        return (*_guessed_dims(granule, leading), f"string_{values.shape[-1]}")
    shape = values.shape
    if known is not None:
        dims = _expected_dims(granule, known, shape)
        if dims is not None:
            return dims
    # A value in an array of one is a value.
    return () if int(np.prod(shape)) == 1 else _guessed_dims(granule, shape)


# --- Writing -----------------------------------------------------------------------------------------------------


def _write(granule: Granule, dataset: netCDF4.Dataset, params: Params) -> dict[str, Any]:
    dataset.createDimension("time", granule.times.seconds.size)
    taken: dict[str, set[str]] = {"": set()}
    _write_coordinates(granule, dataset, params, taken[""])
    for path, group in groups(granule.file):
        dataset.createGroup(_group_path(path)).setncatts(cf_attributes(attributes(group)))
    # What the coordinates hold wholly need not be there twice.
    whole = [granule.found[one] for one in (*COORDINATES, ALTITUDE) if one in granule.found]
    coordinates = {item.path for item in whole if is_column(item)}
    written: dict[str, Any] = {}
    left = {path: "a link to something that is not there" for path in dangling(granule.file)}
    for item in items(granule.file):
        if item.path in coordinates:
            continue
        try:
            for values in values_of(item):
                name, told = _write_variable(granule, dataset, values, taken)
                written[name] = told
        except NotCarried as reason:
            left[item.path] = str(reason)
    dataset.setncatts(_global_attributes(granule, params))
    return _told(granule, written, left, params)


def _group_path(path: str) -> str:
    return "/".join(safe_name(part) for part in path.split("/"))


def _write_coordinates(granule: Granule, dataset: netCDF4.Dataset, params: Params, taken: set[str]) -> None:
    times = granule.times
    time = dataset.createVariable("time", "f8", ("time",))
    time.setncatts({
        "standard_name": "time", "long_name": "Time of the profile, UTC", "axis": "T", "calendar": "standard",
        "units": f"seconds since {times.epoch:%Y-%m-%d %H:%M:%S}",
    })
    if params.conventions != "CF-1.6":
        # Asked for since 1.11: these seconds count every day as 86,400.
        time.units_metadata = "leap_seconds: none"
    time[:] = times.seconds
    for source, name, units in ((LATITUDE, "latitude", "degrees_north"), (LONGITUDE, "longitude", "degrees_east")):
        item = granule.found[source]
        variable = dataset.createVariable(name, _float_type(item), ("time",), fill_value=-9999.0)
        kept = {key: value for key, value in cf_attributes(attributes(item.dataset)).items() if key != "units"}
        variable.setncatts({**kept, "standard_name": name, "long_name": f"{source} of the aircraft", "units": units,
                            "original_name": item.path})
        degrees = getattr(granule, name)
        variable[:] = np.where(np.isfinite(degrees), degrees, -9999.0)
    taken.update(("time", "latitude", "longitude"))
    if granule.altitude is not None:
        item = granule.found[ALTITUDE]
        dataset.createDimension("altitude", granule.altitude.size)
        altitude = dataset.createVariable("altitude", _float_type(item), ("altitude",))
        altitude.setncatts({
            "standard_name": "altitude", "long_name": "Altitude of the bin above mean sea level",
            "units": _length_units(item, granule.altitude), "positive": "up", "axis": "Z", "original_name": item.path,
        })
        altitude[:] = granule.altitude
        taken.add("altitude")


def _float_type(item: Item) -> str:
    """The granule's own precision."""
    return "f4" if item.dataset.dtype.kind == "f" and item.dataset.dtype.itemsize <= 4 else "f8"


def _length_units(item: Item, values: np.ndarray) -> str:
    """Kilometres by the product's description; metres where the granule says so, or no aircraft could be so high."""
    said = read_text(item.dataset.attrs.get("units", "")).lower()
    if said in ("m", "meter", "meters", "metre", "metres"):
        return "m"
    high = values[np.isfinite(values)]
    return "m" if not said and high.size and np.abs(high).max() > 100 else "km"


def _write_variable(granule: Granule, dataset: netCDF4.Dataset, values: Values,
                    taken: dict[str, set[str]]) -> tuple[str, dict[str, Any]]:
    item = values.item
    known = KNOWN.get(item.name) if not values.suffix else None
    if known is not None and _expected_dims(granule, known, values.shape) is None:
        values = _squeezed(granule, values, known)
    dims = _dims(granule, values, known)
    shape = values.shape if dims else ()
    for dim, size in zip(dims, shape):
        if dim not in dataset.dimensions:
            dataset.createDimension(dim, size)
        elif len(dataset.dimensions[dim]) != size:
            # Layers of another number than those of the variable before.
            dims = tuple(f"{one}_{size}" if one == dim else one for one in dims)
            if f"{dim}_{size}" not in dataset.dimensions:
                dataset.createDimension(f"{dim}_{size}", size)
    group_path = _group_path(item.group) if item.group else ""
    group = dataset[group_path] if group_path else dataset
    # A variable of a dimension's name would be its coordinate (netCDF): these names are the coordinates' own.
    name = unique(safe_name(item.name + values.suffix), taken.setdefault(group_path, {"time", "altitude"}))
    large = int(np.prod(shape)) >= LEAST_COMPRESSED
    chunks = tuple(min(size, ROWS) if at == 0 else size for at, size in enumerate(shape)) if large else None
    options = {**COMPRESSION, "chunksizes": chunks} if large else {}
    if values.fill is not None:
        options["fill_value"] = values.fill
    variable = group.createVariable(name, values.dtype, dims, **options)
    # Blocks are in the type and with the fill values that the file gets.
    variable.set_auto_maskandscale(False)
    counts = Counts()
    for at in rows(values.shape):
        block = block_of(values, at, known.valid if known else None, counts)
        variable[at if dims else ()] = block if dims else block.reshape(())
    variable.setncatts(_variable_attributes(item, values, known, dims, variable.dtype, counts))
    path = f"{group_path}/{name}" if group_path else name
    return path, {"type": values.dtype.name, "dimensions": list(dims), "missing": counts.missing,
                  **({} if counts.least is None else {"range": [counts.least, counts.most]})}


def _squeezed(granule: Granule, values: Values, known: Known) -> Values:
    """A table of one column is a column, where the description says so."""
    shape = tuple(size for size in values.shape if size != 1)
    if _expected_dims(granule, known, shape) is None or not shape or values.shape[0] != shape[0]:
        return values
    read = values.read
    return replace(values, shape=shape, read=lambda at: read(at).reshape(-1, *shape[1:]))


def _variable_attributes(item: Item, values: Values, known: Known | None, dims: tuple[str, ...], dtype: np.dtype,
                         counts: Counts) -> dict[str, Any]:
    carried = cf_attributes(attributes(item.dataset))
    ours: dict[str, Any] = dict(values.attributes)
    if "flag_values" in ours:
        ours["flag_values"] = ours["flag_values"].astype(dtype)
    if known is not None:
        ours["long_name"] = known.long_name
        if known.units is not None:
            range_seen = np.array([one for one in (counts.least, counts.most) if one is not None])
            ours["units"] = _length_units(item, range_seen) if known.units == "km" else known.units
        if known.standard_name is not None:
            ours["standard_name"] = known.standard_name
        ours.update(known.attributes)
    elif "long_name" not in carried:
        ours["long_name"] = (item.name + values.suffix).replace("_", " ")
    if str(carried.get("units", "")).lower() in ("none", "unitless", "n/a", "na", "-", ""):
        carried.pop("units", None)
    if dims[:1] == ("time",) and values.dtype.kind != "S":
        ours["coordinates"] = "latitude longitude"
    if values.dtype.kind == "S":
        ours["_Encoding"] = "utf-8"
        carried.pop("units", None)
        ours.pop("units", None)
    if safe_name(item.name) != item.name or item.group:
        ours["original_name"] = item.path
    return {**carried, **ours}


def _global_attributes(granule: Granule, params: Params) -> dict[str, Any]:
    now = _now()
    carried = cf_attributes(attributes(granule.file))
    line = f"{now:%Y-%m-%dT%H:%M:%SZ} hdf5-netcdf {VERSION}: converted from {os.path.basename(granule.path)}"
    before = str(carried.pop("history", ""))
    valid = np.isfinite(granule.latitude) & np.isfinite(granule.longitude)
    places = boxes(granule.latitude[valid], granule.longitude[valid])
    times = granule.times
    found = granule.found
    project = read_text(found["Project"].dataset[()]) if "Project" in found else ""
    vertical = {} if granule.altitude is None else {
        "geospatial_vertical_min": round(float(granule.altitude.min()), 6),
        "geospatial_vertical_max": round(float(granule.altitude.max()), 6),
        "geospatial_vertical_units": _length_units(found[ALTITUDE], granule.altitude),
        "geospatial_vertical_positive": "up",
    }
    job = os.environ.get("LONGSHORE_JOB")
    return {
        "title": TITLES.get(granule.product, "Airborne profile measurements"),
        "institution": "NASA Goddard Space Flight Center",
        "source": "airborne elastic backscatter lidar observation",
        "platform": "Global Hawk",
        "instrument": "Cloud Physics Lidar (CPL)",
        "project": project or "Hurricane and Severe Storm Sentinel (HS3)",
        "references": "https://cpl.gsfc.nasa.gov/",
        **carried,
        "Conventions": params.conventions,
        "history": f"{line}\n{before}" if before else line,
        "id": granule.name,
        "standard_name_vocabulary": VOCABULARY,
        "time_coverage_start": iso(times.at(0)),
        "time_coverage_end": iso(times.at(-1)),
        "geospatial_lat_min": min(box[1] for box in places),
        "geospatial_lat_max": max(box[3] for box in places),
        # West is greater than east across the 180th meridian.
        "geospatial_lon_min": places[0][0],
        "geospatial_lon_max": places[-1][2],
        **vertical,
        "input_file": os.path.basename(granule.path),
        "input_sha256": sha256(granule.path),
        "processing_software": f"longshore hdf5-netcdf {VERSION}, h5py {h5py.__version__}, netCDF {netCDF4.__netcdf4libversion__}",
        **({"processing_job": job} if job else {}),
    }


def _now() -> datetime:
    """SOURCE_DATE_EPOCH makes two runs of one granule equal to the byte."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(epoch), timezone.utc) if epoch else datetime.now(timezone.utc)


def iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _told(granule: Granule, written: dict[str, Any], left: dict[str, str], params: Params) -> dict[str, Any]:
    valid = np.isfinite(granule.latitude) & np.isfinite(granule.longitude)
    latitude, longitude = granule.latitude[valid], granule.longitude[valid]
    times = granule.times
    altitude = granule.altitude
    notes = [*times.notes, *granule.notes]
    if not valid.all():
        notes.append(f"{int((~valid).sum())} of {valid.size} profiles have no position")
    return {
        "file": f"{granule.name}.nc",
        "input": os.path.basename(granule.path),
        "product": granule.product,
        "conventions": params.conventions,
        "dimensions": {"time": times.seconds.size, **({} if altitude is None else {"altitude": altitude.size})},
        "time": [iso(times.at(0)), iso(times.at(-1))],
        "boxes": boxes(latitude, longitude),
        "track": track(latitude, longitude),
        **({} if altitude is None else {
            "altitude": [round(float(altitude.min()), 6), round(float(altitude.max()), 6), _length_units(granule.found[ALTITUDE], altitude)]}),
        "variables": written,
        "missing": granule.missing,
        "notCarried": left,
        "notes": notes,
    }
