"""Reads the header of a mapsforge map and checks that the file is whole.

The writer logs an I/O error and ends with 0, so only the file itself tells whether it was written.
Format: https://github.com/mapsforge/mapsforge/blob/master/docs/Specification-Binary-Map-File.md
"""

import os
import struct
from dataclasses import dataclass

from .box import Box
from .errors import JobError

MAGIC = b"mapsforge binary OSM"
VERSIONS = (3, 4, 5)
# The header stores microdegrees, rounded down or up by the writer.
BOX_TOLERANCE = 2e-6


@dataclass(frozen=True)
class SubFile:
    """One zoom interval: the zoom it is cut at, the range it serves, and where it lies in the file."""

    base: int
    lowest: int
    highest: int
    start: int
    size: int


@dataclass(frozen=True)
class MapHeader:
    """`date` is in milliseconds since 1970."""

    version: int
    file_size: int
    date: int
    box: Box
    tile_size: int
    languages: str | None
    comment: str | None
    poi_tags: list[str]
    way_tags: list[str]
    sub_files: list[SubFile]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> int:
        (value,) = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def string(self) -> str:
        length = shift = 0
        while True:
            byte = self.take("B")
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        self.at += length
        return self.data[self.at - length : self.at].decode()


def read_header(path: str) -> MapHeader:
    """Raises JobError when the file is no mapsforge map, or ends inside its header."""
    name = os.path.basename(path)
    with open(path, "rb") as file:
        start = file.read(len(MAGIC) + 4)
        if start[: len(MAGIC)] != MAGIC or len(start) < len(MAGIC) + 4:
            raise JobError(f"{name} is no mapsforge map: the writer did not finish it")
        data = file.read(struct.unpack(">I", start[-4:])[0])
    try:
        return _parse(_Reader(data))
    except (struct.error, UnicodeDecodeError, ValueError) as error:
        raise JobError(f"{name} has a damaged header ({error})") from None


def _parse(reader: _Reader) -> MapHeader:
    version, file_size, date = reader.take("I"), reader.take("Q"), reader.take("Q")
    south, west, north, east = (reader.take("i") / 1e6 for _ in range(4))
    tile_size = reader.take("H")
    reader.string()  # projection
    flags = reader.take("B")
    if flags & 0x40:
        reader.at += 8  # start position
    if flags & 0x20:
        reader.at += 1  # start zoom
    languages = reader.string() if flags & 0x10 else None
    comment = reader.string() if flags & 0x08 else None
    if flags & 0x04:
        reader.string()  # created by
    poi_tags = [reader.string() for _ in range(reader.take("H"))]
    way_tags = [reader.string() for _ in range(reader.take("H"))]
    sub_files = [
        SubFile(reader.take("B"), reader.take("B"), reader.take("B"), reader.take("Q"), reader.take("Q"))
        for _ in range(reader.take("B"))
    ]
    return MapHeader(
        version, file_size, date, Box(west, south, east, north), tile_size, languages, comment, poi_tags, way_tags, sub_files
    )


def check_map(path: str, asked: Box) -> MapHeader:
    """Raises JobError naming what is wrong: magic, size, box, zoom intervals."""
    header = read_header(path)
    name, size = os.path.basename(path), os.path.getsize(path)
    if header.version not in VERSIONS:
        raise JobError(f"{name} has map version {header.version}; known are {VERSIONS}")
    if header.file_size != size:
        raise JobError(f"{name} is broken: its header says {header.file_size} bytes, it has {size}")
    if any(abs(a - b) > BOX_TOLERANCE for a, b in zip(header.box.as_list(), asked.as_list())):
        raise JobError(f"{name} covers {header.box}, asked was {asked}")
    if not header.sub_files:
        raise JobError(f"{name} has no zoom intervals")
    for before, sub_file in zip([None, *header.sub_files], header.sub_files):
        if not sub_file.lowest <= sub_file.base <= sub_file.highest or sub_file.size == 0:
            raise JobError(f"{name} has a broken zoom interval {sub_file}")
        if before and (before.highest + 1 != sub_file.lowest or before.start + before.size != sub_file.start):
            raise JobError(f"{name} has a gap between zoom {before.highest} and {sub_file.lowest}")
    last = header.sub_files[-1]
    if last.start + last.size != size:
        raise JobError(f"{name} is broken: its tiles end at byte {last.start + last.size}, the file at {size}")
    return header
