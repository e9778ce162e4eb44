"""The values of a dataset, whatever their type: read by blocks of rows, in types that CF has, gaps as the fill value."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from .cf import FLOAT_FILL, cf_dtype
from .errors import BadInput
from .source import Item, declared_fill, read_text

# Rows of 900 doubles: 1.8 MB in memory and in a chunk before compression.
ROWS = 256


@dataclass
class Values:
    """One netCDF variable to be. `suffix` tells the parts of a compound or complex dataset from each other."""

    item: Item
    dtype: np.dtype
    shape: tuple[int, ...]
    read: Callable[[Any], np.ndarray]
    suffix: str = ""
    fill: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)


class NotCarried(Exception):
    """The dataset's type has no counterpart in CF netCDF."""


def values_of(item: Item) -> list[Values]:
    """Raises NotCarried."""
    dataset, dtype, shape = item.dataset, item.dataset.dtype, item.shape
    if dataset.shape is None or dataset.size == 0:
        raise NotCarried("it is empty")
    if dtype.names:
        return [_field(item, name) for name in dtype.names]
    if dtype.kind == "c":
        return [Values(item, np.dtype("f8"), shape, part, suffix) for suffix, part in (
            ("_real", lambda at: _read(item, at).real), ("_imag", lambda at: _read(item, at).imag))]
    if h5py.check_string_dtype(dtype) is not None or dtype.kind in "SU":
        return [_text(item)]
    if dtype.kind in "biuf":
        return [_numbers(item, dtype, shape, lambda at: _read(item, at), declared_fill(dataset), _flags(dtype))]
    raise NotCarried(f"CF has no type for {dtype}")


def _read(item: Item, at: Any) -> np.ndarray:
    try:
        return np.asarray(item.dataset[at])
    except (OSError, RuntimeError) as error:
        raise BadInput(f"{item.path} cannot be read, the granule is damaged: {error}") from error


def _numbers(item: Item, dtype: np.dtype, shape: tuple[int, ...], read: Callable[[Any], np.ndarray], fill: Any,
             attributes: dict[str, Any], suffix: str = "") -> Values:
    least = most = 0.0
    if dtype.kind in "iu" and dtype.itemsize >= 4:
        for block in map(read, rows(shape)):
            least, most = min(least, float(block.min())), max(most, float(block.max()))
    wanted = cf_dtype(dtype, least, most)
    if wanted is None:
        raise NotCarried(f"values up to {most:.0f} fit into no type of CF 1.6")
    if wanted.kind == "f":
        return Values(item, wanted, shape, read, suffix, _float_fill(fill, wanted), attributes)
    holds = fill is not None and np.iinfo(wanted).min <= int(fill) <= np.iinfo(wanted).max
    return Values(item, wanted, shape, read, suffix, wanted.type(int(fill)) if holds else None, attributes)


def _float_fill(fill: Any, dtype: np.dtype) -> Any:
    """The declared one where it can be compared with (NaN cannot)."""
    return dtype.type(FLOAT_FILL if fill is None or not np.isfinite(fill) else fill)


def _field(item: Item, name: str) -> Values:
    dtype = item.dataset.dtype[name]
    if dtype.shape or dtype.kind not in "biuf":
        raise NotCarried(f"CF has no type for its field {name}: {dtype}")
    return _numbers(item, dtype, item.shape, lambda at: _read(item, at)[name], None, {}, f"_{name}")


def _flags(dtype: np.dtype) -> dict[str, Any]:
    members = h5py.check_enum_dtype(dtype)
    if not members:
        return {}
    ordered = sorted(members.items(), key=lambda member: member[1])
    return {
        "flag_values": np.array([value for _, value in ordered]),
        "flag_meanings": " ".join(name.replace(" ", "_") for name, _ in ordered),
    }


def _text(item: Item) -> Values:
    """Characters in one more dimension: CF knows strings of variable length only since 1.8."""
    texts = [read_text(one).encode() for one in np.asarray(_read(item, ()), dtype=object).ravel().tolist()]
    width = max(1, max(len(text) for text in texts))
    characters = np.array([list(text.ljust(width, b"\0")) for text in texts], dtype=np.uint8).view("S1")
    # One text in an array is a text; characters in an array are one, too.
    single = len(texts) == 1 or (item.dataset.dtype.itemsize == 1 and len(item.shape) == 1)
    if single:
        whole = read_text(_read(item, ())).encode() or b" "
        characters = np.frombuffer(whole, dtype="S1")
        return Values(item, np.dtype("S1"), characters.shape, lambda at: characters[at])
    shaped = characters.reshape(*item.shape, width)
    return Values(item, np.dtype("S1"), shaped.shape, lambda at: shaped[at])


def rows(shape: tuple[int, ...]) -> Iterator[Any]:
    """What to index with, block after block; the whole for a scalar."""
    if not shape:
        yield ()
        return
    for start in range(0, shape[0], ROWS):
        yield slice(start, min(start + ROWS, shape[0]))


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


def block_of(values: Values, at: Any, valid: tuple[float, float] | None, counts: Counts) -> np.ndarray:
    """One block in the wanted type; what is no number, no measurement or declared missing is the fill value."""
    block = np.asarray(values.read(at))
    if values.dtype.kind == "S":
        return block
    if values.dtype.kind != "f":
        counts.add(block, block == values.fill if values.fill is not None else np.zeros(block.shape, bool))
        return block.astype(values.dtype)
    block = block.astype(values.dtype)
    declared = declared_fill(values.item.dataset)
    gaps = ~np.isfinite(block) | (block == values.fill)
    if declared is not None and np.isfinite(declared):
        gaps |= block == values.dtype.type(declared)
    if valid is not None:
        with np.errstate(invalid="ignore"):
            gaps |= (block < valid[0]) | (block > valid[1])
    counts.add(block, gaps)
    return np.where(gaps, values.fill, block)
