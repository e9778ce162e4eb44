"""Finds the places of some nodes in a PBF file, with little memory.

`osmium tags-filter` and `getid` would do, yet keep a bit for every id up to 13,000,000,000: 700 MB for an extract of
4 MB. Here each block's ids are decoded at once by numpy, and only blocks that hold a wanted node are read further.
"""

import struct
import zlib
from typing import Any, Callable

from .errors import BadInput
from .pbf import _fields, _zigzag

NANO = 1e-9


def find_nodes(path: str, name: str, wanted: set[int]) -> dict[int, tuple[float, float]]:
    """Longitude and latitude of those of the `wanted` nodes that the file has. The file must be sorted by kind.

    Raises BadInput when a block can't be read.
    """
    import numpy

    left = numpy.array(sorted(wanted), dtype="i8")
    places: dict[int, tuple[float, float]] = {}
    if not len(left):
        return places
    # The search is over when ways begin: no node follows.
    visit_blocks(path, name, lambda block: _search_block(block, left, places))
    return places


def visit_blocks(path: str, name: str, visit: Callable[[bytes], bool]) -> None:
    """Hands each block of data, inflated, to `visit`, until it answers False.

    Raises BadInput when a block can't be inflated or read.
    """
    with open(path, "rb") as file:
        while word := file.read(4):
            header = dict(_fields(file.read(struct.unpack(">I", word)[0])))
            body = file.read(header[3])
            if header[1] != b"OSMData":
                continue
            try:
                if not visit(_unpacked(body)):
                    break
            except (zlib.error, ValueError, IndexError, KeyError) as error:
                raise BadInput(f"{name} is damaged near byte {file.tell()} ({error}); fetch the file again") from None


def _unpacked(blob: bytes) -> bytes:
    fields = dict(_fields(blob))
    if 1 in fields:
        return fields[1]
    if 3 in fields:
        return zlib.decompress(fields[3])
    raise ValueError("a blob that is neither plain nor zlib")


def _search_block(block: bytes, wanted: Any, places: dict[int, tuple[float, float]]) -> bool:
    """Looks through one primitive block; False when it holds no nodes at all."""
    step, east, north = grid(block)
    found = False
    for group in groups(block):
        for kind, message in _fields(group):
            if kind == 2:
                found = True
                for node, x, y in _dense(dict(_fields(message)), wanted):
                    places[node] = (round(east + x * step, 7), round(north + y * step, 7))
            elif kind == 1:
                found = True
                fields = dict(_fields(message))
                node, y, x = (_zigzag(fields[number]) for number in (1, 8, 9))
                index = wanted.searchsorted(node)
                if index < len(wanted) and wanted[index] == node:
                    places[node] = (round(east + x * step, 7), round(north + y * step, 7))
    return found


def groups(block: bytes) -> list[bytes]:
    """The groups of a primitive block; each holds objects of one kind."""
    return [value for number, value in _fields(block) if number == 2]


def grid(block: bytes) -> tuple[float, float, float]:
    """A block's coordinates are whole steps from an origin: degrees a step, longitude and latitude of the origin."""
    numbers = {number: value for number, value in _fields(block) if number in (17, 19, 20)}
    east, north = (_signed(numbers.get(number, 0)) * NANO for number in (20, 19))
    return numbers.get(17, 100) * NANO, east, north


def _dense(fields: dict[int, Any], wanted: Any) -> list[tuple[int, int, int]]:
    """Id, x and y (in steps) of the wanted ones among densely packed nodes."""
    ids = deltas(fields[1])
    if wanted.searchsorted(ids.min()) == wanted.searchsorted(ids.max(), side="right"):
        return []
    index = wanted.searchsorted(ids)
    index[index == len(wanted)] = 0
    hits = (wanted[index] == ids).nonzero()[0]
    if not len(hits):
        return []
    ys, xs = deltas(fields[8])[hits], deltas(fields[9])[hits]
    return list(zip(ids[hits].tolist(), xs.tolist(), ys.tolist()))


def deltas(packed: bytes) -> Any:
    """Packed zigzag varints, each the difference to the one before, as int64."""
    import numpy

    data = numpy.frombuffer(packed, dtype="u1")
    last = data < 0x80
    ends = last.nonzero()[0]
    starts = numpy.concatenate(([0], ends[:-1] + 1))
    # Seven bits a byte, the lowest first: each byte is shifted by its place in its number.
    shift = (numpy.arange(len(data)) - numpy.repeat(starts, ends - starts + 1)) * 7
    parts = (data & 0x7F).astype("u8") << shift.astype("u8")
    values = numpy.add.reduceat(parts, starts)
    signed = (values >> numpy.uint64(1)).astype("i8") ^ -(values & numpy.uint64(1)).astype("i8")
    return numpy.cumsum(signed)


def _signed(value: int) -> int:
    """An int64 that protobuf wrote as ten bytes when negative."""
    return value - (1 << 64) if value >= 1 << 63 else value
