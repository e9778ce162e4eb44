"""The values of a dataset, whatever their type: read by blocks of rows, in types that CF has, gaps as the fill value."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import h5py
import netCDF4
import numpy as np

from .cf import FLOAT_FILL, cf_dtype
from .contents import Item
from .source import declared_fill, packing, read, read_text

# A block in memory, and a chunk of the file: 256 rows of 900 floats.
BLOCK_BYTES = 2**20

Reader = Callable[[Any], np.ndarray]


@dataclass
class Values:
    """
    One netCDF variable to be. `suffix` tells the parts of a compound or complex dataset from each other; `declared` is the fill value
    in the granule's own type.
    """

    item: Item
    dtype: np.dtype
    shape: tuple[int, ...]
    read: Reader
    suffix: str = ""
    fill: Any = None
    declared: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)


class NotCarried(Exception):
    """The dataset's type has no counterpart in CF netCDF."""


def values_of(item: Item, conventions: str) -> tuple[list[Values], dict[str, str]]:
    """The variables that a dataset becomes, and why it, or a field of it, becomes none."""
    if item.shape is None or item.dataset.size == 0:
        return [], {item.path: "it is empty"}
    found: list[Values] = []
    left: dict[str, str] = {}
    for suffix, dtype, shape, part in _parts(item.dataset.dtype, item.shape, lambda at: read(item, at), ""):
        try:
            found += _values(item, conventions, suffix, dtype, shape, part)
        except NotCarried as reason:
            left[item.path + suffix] = str(reason)
    return found, left


Part = tuple[str, np.dtype, tuple[int, ...], Reader]


def _parts(dtype: np.dtype, shape: tuple[int, ...], reader: Reader, suffix: str) -> Iterator[Part]:
    """Records field by field, arrays in a type as further dimensions."""
    if dtype.subdtype is not None:
        base, more = dtype.subdtype
        yield from _parts(base, (*shape, *more), reader, suffix)
    elif dtype.names:
        for name in dtype.names:
            yield from _parts(dtype[name], shape, lambda at, name=name: reader(at)[name], f"{suffix}_{name}")
    elif dtype.kind == "c":
        half = np.dtype(f"f{dtype.itemsize // 2}")
        yield f"{suffix}_real", half, shape, lambda at: reader(at).real
        yield f"{suffix}_imag", half, shape, lambda at: reader(at).imag
    else:
        yield suffix, dtype, shape, reader


def _values(item: Item, conventions: str, suffix: str, dtype: np.dtype, shape: tuple[int, ...], reader: Reader) -> list[Values]:
    if h5py.check_string_dtype(dtype) is not None or dtype.kind in "SU":
        return [_text(item, suffix, shape, reader)]
    base = h5py.check_vlen_dtype(dtype)
    if base is not None and np.dtype(base).kind in "iuf":
        dtype, shape, reader, fill = _even(np.dtype(base), shape, reader)
        return [_numbers(item, conventions, suffix, dtype, shape, reader, fill)]
    if dtype.kind not in "biuf":
        raise NotCarried(f"CF has no type for {dtype}")
    return [_numbers(item, conventions, suffix, dtype, shape, reader, None if suffix else declared_fill(item.dataset))]


def _numbers(item: Item, conventions: str, suffix: str, dtype: np.dtype, shape: tuple[int, ...], reader: Reader, fill: Any) -> Values:
    values = Values(item, dtype, shape, reader, suffix, None, fill, _flags(dtype))
    least = most = 0.0
    if dtype.kind in "iu" and dtype.itemsize >= 4 and conventions == "CF-1.6":
        for _, block in blocks(values):
            least, most = min(least, float(block.min())), max(most, float(block.max()))
    wanted = cf_dtype(dtype, least, most, conventions)
    if wanted is None:
        raise NotCarried(f"values from {least:.0f} to {most:.0f} fit into no type of CF 1.6; with conventions=CF-1.11 they do")
    values.dtype = wanted
    if wanted.kind == "f":
        # NaN cannot be compared with.
        values.fill = wanted.type(FLOAT_FILL if fill is None or not np.isfinite(fill) else fill)
    elif fill is not None:
        limits = np.iinfo(wanted)
        values.fill = wanted.type(fill) if limits.min <= int(fill) <= limits.max else None
    return values


def _flags(dtype: np.dtype) -> dict[str, Any]:
    members = h5py.check_enum_dtype(dtype)
    if not members:
        return {}
    ordered = sorted(members.items(), key=lambda member: member[1])
    return {
        "flag_values": np.array([value for _, value in ordered]),
        # CF 3.5 parts them by blanks.
        "flag_meanings": " ".join(re.sub(r"[^\w.+@-]", "_", name) for name, _ in ordered),
    }


def _even(base: np.dtype, shape: tuple[int, ...], reader: Reader) -> tuple[np.dtype, tuple[int, ...], Reader, Any]:
    """Rows of different lengths side by side, the shorter ones filled up with netCDF's own fill value for the type."""
    ragged = np.asarray(reader(()), dtype=object).reshape(shape)
    width = max((len(row) for row in ragged.ravel()), default=0)
    if width == 0:
        raise NotCarried("it is empty")
    fill = base.type(FLOAT_FILL if base.kind == "f" else netCDF4.default_fillvals[f"{base.kind}{base.itemsize}"])
    whole = np.full((*shape, width), fill, base)
    for at, row in np.ndenumerate(ragged):
        whole[at][: len(row)] = row
    return base, whole.shape, lambda at: whole[at], fill


def _text(item: Item, suffix: str, shape: tuple[int, ...], reader: Reader) -> Values:
    """Characters in one more dimension: CF knows strings of variable length only since 1.8. Characters one by one have it already."""
    there = reader(())
    if there.dtype == np.dtype("S1") and there.ndim > 0:
        encoding = "utf-8" if there.tobytes().isascii() else "latin-1"
        return Values(item, there.dtype, there.shape, lambda at: there[at], suffix, attributes={"_Encoding": encoding})
    if there.size == 1:
        shape = ()  # One text in an array is a text.
    texts = [read_text(one) for one in there.astype(object).ravel().tolist()]
    # Readers cut what they have decoded by the bytes of the dimension: one byte a letter wherever that can be.
    narrow = max(map(max, filter(None, texts)), default="") < "\u0100"
    encoding = "latin-1" if narrow and not all(map(str.isascii, texts)) else "utf-8"
    encoded = [text.encode(encoding) for text in texts]
    width = max(1, max(map(len, encoded)))
    characters = np.array(encoded, dtype=f"S{width}").view("S1").reshape(*shape, width)
    return Values(item, np.dtype("S1"), characters.shape, lambda at: characters[at], suffix, attributes={"_Encoding": encoding})


def rows_of(shape: tuple[int, ...], itemsize: int) -> int:
    """Rows of a block: a power of two."""
    row = itemsize * int(np.prod(shape[1:], dtype=np.int64))
    return 2 ** max(0, int(np.log2(max(1, BLOCK_BYTES // max(1, row)))))


def blocks(values: Values) -> Iterator[tuple[Any, np.ndarray]]:
    """
    What to index with and the values there, block after block. HDF5 unpacks a chunk anew for each read, when the chunk is larger than
    its cache: so whole rows of the granule's chunks are read, and blocks cut from them.
    """
    if not values.shape:
        yield (), values.read(())
        return
    step = rows_of(values.shape, values.dtype.itemsize)
    chunk = (values.item.dataset.chunks or (1,))[0]
    band = -(-step // chunk) * chunk
    for start in range(0, values.shape[0], band):
        read_once = values.read(slice(start, min(start + band, values.shape[0])))
        for at in range(0, len(read_once), step):
            part = read_once[at:at + step]
            yield slice(start + at, start + at + len(part)), part


@dataclass
class Counts:
    """What was seen while a variable was copied."""

    values: int = 0
    missing: int = 0
    least: float | None = None
    most: float | None = None

    def add(self, block: np.ndarray, gaps: np.ndarray) -> None:
        self.values += block.size
        self.missing += int(gaps.sum())
        there = block[~gaps]
        if there.size:
            least, most = float(there.min()), float(there.max())
            self.least = least if self.least is None else min(self.least, least)
            self.most = most if self.most is None else max(self.most, most)


def filled(values: Values, block: np.ndarray, valid: tuple[float, float] | None, counts: Counts) -> np.ndarray:
    """The block in the wanted type; what is no number, no measurement or declared missing is the fill value."""
    if values.dtype.kind == "S":
        return block
    gaps = np.zeros(block.shape, bool) if values.declared is None else block == values.declared
    block = block.astype(values.dtype)
    if values.dtype.kind == "f":
        gaps |= ~np.isfinite(block) | (block == values.fill)
        if valid is not None and packing(values.item.dataset) is None:
            with np.errstate(invalid="ignore"):
                gaps |= (block < valid[0]) | (block > valid[1])
    counts.add(block, gaps)
    return block if values.fill is None else np.where(gaps, values.fill, block)
