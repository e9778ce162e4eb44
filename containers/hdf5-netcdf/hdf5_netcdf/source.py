"""Reading a granule without taking its writer's habits for granted: text in bytes or str, scalars in arrays, any byte order."""

import os
from typing import Any

import h5py
import numpy as np

from .contents import Item
from .errors import BadInput

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# What comes under a granule's name and is none, by its first bytes.
FOREIGN = {
    b"\x0e\x03\x13\x01": "HDF4: convert it (h4toh5)",
    b"CDF": "classic netCDF: convert it (nccopy -k nc4)",
    b"\x1f\x8b": "compressed by gzip: unpack it",
    b"PK\x03\x04": "a zip archive: unpack it",
    b"<": "HTML or XML: perhaps the answer of a server that wanted a login",
}
# What HDF5's and netCDF's libraries keep for themselves in attributes.
INTERNAL = {
    "CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS",
    "_NCProperties", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_nc3_strict",
}


def open_granule(path: str) -> h5py.File:
    """Raises BadInput that tells an empty, a foreign and a truncated file from each other."""
    name = os.path.basename(path)
    size = os.path.getsize(path)
    if size == 0:
        raise BadInput(f"{name} is empty (0 bytes)")
    with open(path, "rb") as file:
        head = file.read(8)
    # A user block of 512, 1024, … bytes may stand before the superblock; h5py looks for it there.
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if "truncated" in str(error):
            raise BadInput(f"{name} is truncated: it has {size} bytes, and its header says more ({error})") from error
        if head != SIGNATURE:
            known = next((what for start, what in FOREIGN.items() if head.startswith(start)), None)
            raise BadInput(f"{name} is not an HDF5 file{f', but {known}' if known else f': it begins with {head!r}'}") from error
        raise BadInput(f"{name} is a damaged HDF5 file: {error}") from error


def read(item: Item, at: Any = ()) -> np.ndarray:
    """Raises BadInput when the bytes are damaged, or packed by a filter that is not here."""
    try:
        return np.asarray(item.dataset[at])
    except (OSError, RuntimeError, ValueError) as error:
        unknown = _unknown_filters(item.dataset)
        if unknown:
            raise BadInput(f"{_where(item)} is packed by {unknown}, and there is no such filter here; repack the granule"
                           " (h5repack -f GZIP=4)") from error
        raise BadInput(f"{_where(item)} cannot be read, the granule is damaged: {error}") from error


def _where(item: Item) -> str:
    return f"{os.path.basename(item.dataset.file.filename)}: {item.path}"


def _unknown_filters(dataset: h5py.Dataset) -> str:
    plist = dataset.id.get_create_plist()
    filters = [plist.get_filter(at) for at in range(plist.get_nfilters())]
    lacking = [(code, decode(name)) for code, _, _, name in filters if not h5py.h5z.filter_avail(code)]
    return ", ".join(f"filter {code} ({name or 'no name'})" for code, name in lacking)


def decode(text: str | bytes) -> str:
    """UTF-8, else Latin-1: instruments write "°" as one byte."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def read_text(value: Any) -> str:
    """Text of a scalar, a one-element array, an array of characters; bytes or str; without padding."""
    parts = [decode(one) if isinstance(one, (bytes, str)) else str(one) for one in np.asarray(value).ravel().tolist()]
    return "".join(parts).rstrip("\x00 ").strip()


def attributes(owner: h5py.Dataset | h5py.Group) -> dict[str, Any]:
    """Attributes as str, a number or a one-dimensional array; those of `lost_attributes` are left out."""
    return {name: value for name, value in _attributes(owner) if value is not None}


def lost_attributes(owner: h5py.Dataset | h5py.Group) -> list[str]:
    """Names of attributes that have no netCDF counterpart: references, records, complex numbers, types that h5py cannot read."""
    return [name for name, value in _attributes(owner) if value is None]


def _attributes(owner: h5py.Dataset | h5py.Group) -> list[tuple[str, Any]]:
    return [(decode(name), _attribute(owner, name)) for name in owner.attrs if name not in INTERNAL]


def _attribute(owner: h5py.Dataset | h5py.Group, name: str | bytes) -> Any:
    try:
        return _plain(owner.attrs[name])
    except (OSError, RuntimeError, TypeError, ValueError, KeyError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, (str, bytes, np.bytes_)):
        return read_text(value)
    if isinstance(value, h5py.Empty):
        return ""
    array = np.asarray(value)
    if array.dtype.kind in "SUO":
        elements = array.ravel().tolist()
        if any(not isinstance(one, (str, bytes)) for one in elements):
            return None
        return ", ".join(read_text(one) for one in elements)
    if array.dtype.kind == "b":
        array = array.astype(np.int8)
    if array.dtype.kind not in "iuf" or array.size == 0:
        return None
    flat = array.ravel()
    return flat[0] if flat.size == 1 else flat


def is_column(item: Item) -> bool:
    """One value a profile, be it in a table of one column."""
    return sum(size != 1 for size in item.shape) <= 1


def column(item: Item) -> np.ndarray:
    """
    One value a profile as a vector. Of several a profile (its begin, middle and end) the middle one. Raises BadInput when these are no
    numbers.
    """
    values = numbers(item)
    if not is_column(item) and values.ndim == 2:
        values = values[:, values.shape[1] // 2]
    return values.ravel()


def numbers(item: Item, at: Any = ()) -> np.ndarray:
    """Doubles, unpacked, declared fill values as NaN. Raises BadInput when they are none."""
    raw = read(item, at)
    try:
        values = np.asarray(raw, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{_where(item)} must be numbers, but is {item.dataset.dtype}") from error
    fill = declared_fill(item.dataset)
    if fill is not None:
        values = np.where(raw == fill, np.nan, values)
    scale, offset = packing(item.dataset) or (1.0, 0.0)
    return values * scale + offset


def packing(dataset: h5py.Dataset) -> tuple[float, float] | None:
    """`scale_factor` and `add_offset`; None without either."""
    scale, offset = (_number(dataset, name) for name in ("scale_factor", "add_offset"))
    return None if scale is None and offset is None else (1.0 if scale is None else scale, 0.0 if offset is None else offset)


def declared_fill(dataset: h5py.Dataset) -> Any:
    """
    `_FillValue`, `missing_value` and their like, else a fill value that the dataset was made with, in the dataset's own type; None
    without one, and when no value of that type can be it.
    """
    if dataset.dtype.kind not in "iuf":
        return None
    for name in ("_FillValue", "missing_value", "FillValue", "fill_value", "Fill_Value"):
        value = _number(dataset, name)
        if value is not None:
            return _of_type(value, dataset.dtype)
    plist = dataset.id.get_create_plist()
    user_defined = plist.fill_value_defined() == h5py.h5d.FILL_VALUE_USER_DEFINED
    return dataset.fillvalue if user_defined and dataset.fillvalue != 0 else None


def _number(dataset: h5py.Dataset, name: str) -> Any:
    """An attribute that is one number, be it as text."""
    value = _attribute(dataset, name) if name in dataset.attrs else None
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return value if value is not None and np.ndim(value) == 0 else None


def _of_type(value: Any, dtype: np.dtype) -> Any:
    if dtype.kind == "f":
        return dtype.type(value)
    limits = np.iinfo(dtype)
    fits = np.isfinite(value) and value == int(value) and limits.min <= int(value) <= limits.max
    return dtype.type(int(value)) if fits else None
