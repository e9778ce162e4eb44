"""The outer form of an OSM PBF file: its blobs, and what its header says.

Walking from blob to blob reads a few bytes of each, so even a file of 70 GB is checked in well under a second, and a
truncated one is told before any tool is started.
"""

import os
import struct
import zlib
from dataclasses import dataclass
from typing import Iterator

from .box import Box
from .errors import BadInput

# Limits of the format (osmosis, osmium and the wiki agree on them).
MOST_HEADER_BYTES = 64 * 1024
MOST_BLOB_BYTES = 32 * 1024 * 1024
# OSM PBF gives the bounds in nanodegrees.
NANO = 1e-9

READABLE_FEATURES = {"OsmSchema-V0.6", "DenseNodes"}


@dataclass(frozen=True)
class PbfHeader:
    """`box` is None when the header has none; `timestamp` is the data's, in seconds since 1970."""

    box: Box | None
    sorted: bool
    timestamp: int | None


def read_pbf(path: str, name: str) -> PbfHeader:
    """Checks a PBF file's form from end to end and returns its header.

    Raises BadInput naming the file and what is wrong: empty, not a PBF, truncated, a history file, ways without their nodes.
    """
    size = os.path.getsize(path)
    if size == 0:
        raise BadInput(f"{name} is empty (0 bytes): drop the file again")
    header: PbfHeader | None = None
    data_blobs = 0
    with open(path, "rb") as file:
        while file.tell() < size:
            kind, length = _blob_header(file, size, name, first=header is None)
            if header is None:
                if kind != "OSMHeader":
                    raise _not_pbf(name)
                header = _parse_header(_blob(file.read(length), name), name)
            else:
                data_blobs += kind == "OSMData"
                file.seek(length, os.SEEK_CUR)
    if header is None or data_blobs == 0:
        raise BadInput(f"{name} has a header and no data: it is an empty extract")
    return header


def _blob_header(file, size: int, name: str, first: bool) -> tuple[str, int]:
    """Kind and length of the blob that follows; the whole blob is known to be there."""
    start = file.tell()
    word = file.read(4)
    length = struct.unpack(">I", word)[0] if len(word) == 4 else 0
    if first and (len(word) < 4 or not 0 < length <= MOST_HEADER_BYTES):
        raise _not_pbf(name)
    if len(word) < 4:
        raise _truncated(name, size, start)
    if not 0 < length <= MOST_HEADER_BYTES:
        raise BadInput(f"{name} is damaged at byte {start} of {size}: no blob begins there; fetch the file again")
    if start + 4 + length > size:
        raise _truncated(name, size, start)
    try:
        fields = dict(_fields(file.read(length)))
        kind, blob_length = fields[1].decode("ascii"), fields[3]
    except (KeyError, ValueError, IndexError, AttributeError):
        if first:
            raise _not_pbf(name) from None
        raise BadInput(f"{name} is damaged at byte {start} of {size}; fetch the file again") from None
    if blob_length > MOST_BLOB_BYTES:
        raise BadInput(f"{name} is damaged at byte {start} of {size}: a blob of {blob_length} bytes; fetch it again")
    if file.tell() + blob_length > size:
        raise _truncated(name, size, start)
    return kind, blob_length


def _truncated(name: str, size: int, start: int) -> BadInput:
    return BadInput(f"{name} is truncated: it ends at byte {size}, inside the blob that begins at {start}; fetch it again")


def _not_pbf(name: str) -> BadInput:
    return BadInput(f"{name} is not an OSM PBF file: it does not begin with an OSMHeader blob")


def _blob(data: bytes, name: str) -> bytes:
    fields = dict(_fields(data))
    if 1 in fields:
        return fields[1]
    if 3 in fields:
        try:
            return zlib.decompress(fields[3])
        except zlib.error as error:
            raise BadInput(f"{name} has a damaged header blob ({error}); fetch the file again") from None
    raise BadInput(f"{name} has a header blob that is neither plain nor zlib; rewrite it with osmium cat")


def _parse_header(data: bytes, name: str) -> PbfHeader:
    box: Box | None = None
    optional: set[str] = set()
    timestamp: int | None = None
    for number, value in _fields(data):
        if number == 1:
            box = _box(value)
        elif number == 4 and value.decode() not in READABLE_FEATURES:
            raise BadInput(f"{name} needs “{value.decode()}”, which maps can't be made from; give a plain extract")
        elif number == 5:
            optional.add(value.decode())
        elif number == 32:
            timestamp = value
    if "LocationsOnWays" in optional:
        # Nearly all nodes are left out of such a file, and osmosis reads no places from ways: a map of nothing but land.
        raise BadInput(
            f"{name} has the places of its nodes on its ways (LocationsOnWays), where the map writer does not look; "
            "give the extract from before osmium add-locations-to-ways"
        )
    return PbfHeader(box, "Sort.Type_then_ID" in optional, timestamp)


def _box(data: bytes) -> Box | None:
    edges = {number: _zigzag(value) * NANO for number, value in _fields(data)}
    try:
        return Box(round(edges[1], 7), round(edges[4], 7), round(edges[2], 7), round(edges[3], 7))
    except (KeyError, ValueError):
        return None  # some writers leave a box of zeros: the data's own extent is taken then


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of one protobuf message: number, and bytes or an unsigned integer."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
        elif kind == 2:
            length, at = _varint(data, at)
            if at + length > len(data):
                raise ValueError("field longer than its message")
            yield key >> 3, data[at : at + length]
            at += length
        else:
            raise ValueError(f"wire type {kind}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7


def _zigzag(value: int) -> int:
    return value >> 1 ^ -(value & 1)
