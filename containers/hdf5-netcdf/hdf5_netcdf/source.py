"""Reading a granule without taking its writer's habits for granted: text in bytes or str, scalars in arrays, any byte order."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from .errors import BadInput

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# What HDF5's and netCDF's libraries keep for themselves in attributes.
INTERNAL = {
    "CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS",
    "_NCProperties", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_nc3_strict",
}


@dataclass(frozen=True)
class Item:
    """A dataset of the granule; `path` has no leading slash, groups are parted by slashes."""

    path: str
    dataset: h5py.Dataset

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def group(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.dataset.shape


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
            raise BadInput(f"{name} is not an HDF5 file: it begins with {head!r}") from error
        raise BadInput(f"{name} is a damaged HDF5 file: {error}") from error


def items(file: h5py.File) -> Iterator[Item]:
    """Every dataset, in the order in which a person would list them."""
    yield from _below(file, "")


def _below(group: h5py.Group, prefix: str) -> Iterator[Item]:
    for name in group:
        path = f"{prefix}{name}"
        child = _child(group, name)
        if isinstance(child, h5py.Dataset):
            yield Item(path, child)
        elif isinstance(child, h5py.Group):
            yield from _below(child, f"{path}/")


def _child(group: h5py.Group, name: str) -> h5py.Dataset | h5py.Group | None:
    """None for a link that leads nowhere: to nothing, or to a file that is not here."""
    try:
        return group.get(name)
    except OSError:
        return None


def dangling(file: h5py.File) -> list[str]:
    """Paths of links that lead nowhere."""
    owners = [("", file), *((f"{path}/", group) for path, group in groups(file))]
    return [f"{prefix}{name}" for prefix, group in owners for name in group if _child(group, name) is None]


def groups(file: h5py.File) -> Iterator[tuple[str, h5py.Group]]:
    """Every group but the root, parents first."""
    stack: list[tuple[str, h5py.Group]] = [("", file)]
    while stack:
        prefix, group = stack.pop(0)
        for name in group:
            child = _child(group, name)
            if isinstance(child, h5py.Group):
                path = f"{prefix}{name}"
                yield path, child
                stack.append((f"{path}/", child))


def read_text(value: Any) -> str:
    """Text of a scalar, a one-element array, an array of characters; bytes or str; without padding."""
    array = np.asarray(value)
    parts = [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in array.ravel().tolist()]
    return "".join(parts).rstrip("\x00 ").strip()


def attributes(owner: h5py.Dataset | h5py.Group) -> dict[str, Any]:
    """Attributes as str, a number or a one-dimensional array; what has no netCDF counterpart is left out."""
    found: dict[str, Any] = {}
    for name in owner.attrs:
        if name in INTERNAL:
            continue
        try:
            value = owner.attrs[name]
        except (OSError, TypeError, ValueError):
            # A type that h5py cannot read.
            continue
        plain = _plain(value)
        if plain is not None:
            found[name] = plain
    return found


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
    One value a profile as a vector of doubles, declared fill values as NaN. Of several a profile (its begin, middle and end) the
    middle one.
    """
    values = np.asarray(item.dataset[()], dtype=np.float64)
    if not is_column(item) and values.ndim == 2:
        values = values[:, values.shape[1] // 2]
    values = values.ravel()
    fill = declared_fill(item.dataset)
    if fill is not None:
        values[values == float(fill)] = np.nan
    return values


def declared_fill(dataset: h5py.Dataset) -> Any:
    """`_FillValue`, `missing_value` and their like, else a fill value that the dataset was made with; None without."""
    for name in ("_FillValue", "missing_value", "FillValue", "fill_value", "Fill_Value"):
        if name in dataset.attrs:
            value = np.asarray(dataset.attrs[name]).ravel()
            if value.size == 1 and value.dtype.kind in "iuf":
                return value[0]
    plist = dataset.id.get_create_plist()
    user_defined = plist.fill_value_defined() == h5py.h5d.FILL_VALUE_USER_DEFINED
    if user_defined and dataset.dtype.kind in "iuf" and dataset.fillvalue != 0:
        return dataset.fillvalue
    return None
