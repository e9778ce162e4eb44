"""What a granule is: its product, times, positions and altitudes, and that its variables have the shapes that go with these."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import h5py
import numpy as np

from .contents import Contents, Item, contents_of
from .errors import BadInput
from .params import Params
from .products import ALTITUDE, COORDINATES, CURTAIN, KNOWN, LATITUDE, REQUIRED, Known, product_of
from .source import column, is_column, numbers
from .times import Times, read_times
from .units import said_units, units_for
from .values import Values, blocks

# More names than this make no reason clearer.
MOST_NAMES = 40


@dataclass(frozen=True)
class Altitude:
    """Of the bins. `levels` is None when they are not the same for each profile; then `Bin_Alt` has two dimensions."""

    bins: int
    levels: np.ndarray | None
    lowest: float
    highest: float
    units: str

    @property
    def dimension(self) -> str:
        """A dimension `altitude` would want a coordinate of that name (CF 5.1)."""
        return "bin" if self.levels is None else "altitude"


@dataclass
class Granule:
    """A granule that is open, and what was found out about it so far."""

    name: str
    path: str
    file: h5py.File
    contents: Contents
    found: dict[str, Item]
    product: str
    times: Times
    latitude: np.ndarray
    longitude: np.ndarray
    altitude: Altitude | None
    missing: list[str]
    notes: list[str] = field(default_factory=list)

    @property
    def profiles(self) -> int:
        return self.times.seconds.size


def examine(name: str, path: str, file: h5py.File, params: Params) -> Granule:
    """Raises BadInput: what is missing, or cannot be."""
    contents = contents_of(file)
    found = _by_name(contents.items)
    product = product_of(name, set(found))
    missing = [one for one in (*REQUIRED.get(product, ()), *COORDINATES) if one not in found]
    if ALTITUDE not in found and any(one in KNOWN and KNOWN[one].dims == CURTAIN for one in found):
        missing.append(ALTITUDE)
    fatal = [one for one in missing if one in (*COORDINATES, ALTITUDE)]
    if fatal or (missing and params.missing == "refuse"):
        raise BadInput(f"{name} lacks {_told(missing, contents)}; it has {_some(found) or 'no variables'}")
    times = read_times(found, name)
    latitude, longitude = (_position(found[one], times.seconds.size, name) for one in COORDINATES)
    if not np.any(np.isfinite(latitude) & np.isfinite(longitude)):
        raise BadInput(f"{name}: no profile has a valid Latitude and Longitude")
    altitude = _altitude(found[ALTITUDE], times.seconds.size, name) if ALTITUDE in found else None
    notes = [f"{one} has {_shape(found[one].shape)} values; the coordinate is the middle one of each profile"
             for one in COORDINATES if not is_column(found[one])]
    granule = Granule(name, path, file, contents, found, product, times, latitude, longitude, altitude, missing, notes)
    _check_required(granule)
    return granule


def _by_name(items: list[Item]) -> dict[str, Item]:
    """Variables by name; one in the root goes before one of its name in a group."""
    found: dict[str, Item] = {}
    for item in items:
        if item.name not in found or item.group == "":
            found[item.name] = item
    return found


def _told(missing: list[str], contents: Contents) -> str:
    return ", ".join(f"{one} ({contents.left[one]})" if one in contents.left else one for one in missing)


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = len(ordered) - MOST_NAMES
    return ", ".join(ordered[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _position(item: Item, profiles: int, name: str) -> np.ndarray:
    if said_units(item).lower().startswith("rad"):
        raise BadInput(f"{name}: {item.path} is in radians, but must be in degrees")
    degrees = column(item)
    if degrees.size != profiles:
        raise BadInput(f"{name}: {item.path} has {degrees.size} values, but there are {profiles} profiles")
    most = 90 if item.name == LATITUDE else 360
    with np.errstate(invalid="ignore"):
        degrees[np.abs(degrees) > most] = np.nan
    return degrees


def _altitude(item: Item, profiles: int, name: str) -> Altitude:
    if is_column(item):
        return _levels(item, column(item), name)
    if len(item.shape) != 2 or item.shape[0] != profiles:
        raise BadInput(f"{name}: {ALTITUDE} is {_shape(item.shape)}, but must have one value a bin, or {profiles} × one value a bin")
    first, same, lowest, highest = None, True, np.inf, -np.inf
    for _, rows in blocks(Values(item, np.dtype("f8"), item.shape, lambda at: numbers(item, at))):
        first = rows[0] if first is None else first
        same = same and bool(np.all(rows == first))
        there = rows[np.isfinite(rows)]
        if there.size:
            lowest, highest = min(lowest, float(there.min())), max(highest, float(there.max()))
    if same:
        return _levels(item, first, name)
    if lowest > highest:
        raise BadInput(f"{name}: {ALTITUDE} has no values")
    return Altitude(item.shape[1], None, lowest, highest, units_for(item, "km", [lowest, highest]))


def _levels(item: Item, levels: np.ndarray, name: str) -> Altitude:
    steps = np.diff(levels)
    if not np.all(np.isfinite(levels)) or not (np.all(steps < 0) or np.all(steps > 0)):
        raise BadInput(f"{name}: {ALTITUDE} must fall or rise from bin to bin, without gaps")
    return Altitude(levels.size, levels, float(levels.min()), float(levels.max()), units_for(item, "km", levels))


def _check_required(granule: Granule) -> None:
    sizes = {"time": granule.profiles, "altitude": granule.altitude.bins if granule.altitude else None}
    for name in REQUIRED.get(granule.product, ()):
        if name not in granule.found:
            continue
        item, known = granule.found[name], KNOWN[name]
        if item.dataset.dtype.kind not in "iuf":
            raise BadInput(f"{granule.name}: {name} must be numbers, but is {item.dataset.dtype}")
        if expected_dims(granule, known, item.shape) is None and not turned(granule, known, item.shape):
            wanted = " × ".join(str(sizes.get(dim) or dim) for dim in known.dims)
            raise BadInput(f"{granule.name}: {name} is {_shape(item.shape)}, but must be {wanted} (profiles × values of {ALTITUDE})")
        if turned(granule, known, item.shape):
            granule.notes.append(f"{name} is {_shape(item.shape)}: bins first, and is written so")


def expected_dims(granule: Granule, known: Known, shape: tuple[int, ...]) -> tuple[str, ...] | None:
    """The dimensions that the product's description gives, when the shape is theirs."""
    if len(shape) != len(known.dims):
        return None
    sizes = {"time": granule.profiles, "altitude": granule.altitude.bins if granule.altitude else None}
    fits = all(sizes.get(dim, size) == size for dim, size in zip(known.dims, shape))
    return known.dims if fits else None


def turned(granule: Granule, known: Known, shape: tuple[int, ...]) -> bool:
    """The other way round, as writers in Fortran's order leave it; of a square nobody can tell."""
    return expected_dims(granule, known, shape) is None and expected_dims(granule, known, shape[::-1]) is not None


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "a single value"
