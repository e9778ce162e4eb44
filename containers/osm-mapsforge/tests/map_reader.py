"""Reads the ways of a mapsforge map back, tile by tile, after the format's specification: the tests' own eyes."""

import math
import struct
from dataclasses import dataclass
from typing import Iterator

from osm_mapsforge.mapfile import MapHeader, SubFile, read_header


@dataclass
class Way:
    """One way of one tile: its tags and blocks; a block is a ring and its holes, as (longitude, latitude)."""

    tags: list[str]
    blocks: list[list[list[tuple[float, float]]]]


class _Bytes:
    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def short(self) -> int:
        self.at += 2
        return struct.unpack_from(">H", self.data, self.at - 2)[0]

    def unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            if byte < 0x80:
                value |= (byte & 0x3F) << shift
                return -value if byte & 0x40 else value
            value |= (byte & 0x7F) << shift
            shift += 7

    def string(self) -> str:
        length = self.unsigned()
        self.at += length
        return self.data[self.at - length : self.at].decode()


def tile_of(longitude: float, latitude: float, zoom: int) -> tuple[int, int]:
    most = (1 << zoom) - 1
    x = int((longitude + 180) / 360 * (1 << zoom))
    y = int((1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * (1 << zoom))
    return min(max(x, 0), most), min(max(y, 0), most)


def corner_of(x: int, y: int, zoom: int) -> tuple[float, float]:
    """North-west corner: longitude, latitude."""
    latitude = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / (1 << zoom)))))
    return x / (1 << zoom) * 360 - 180, latitude


class MapReader:
    """The ways of each tile of the zoom interval whose base zoom is given."""

    def __init__(self, path: str, base: int = 14) -> None:
        self.header: MapHeader = read_header(path)
        self.sub_file: SubFile = next(sub for sub in self.header.sub_files if sub.base == base)
        with open(path, "rb") as file:
            file.seek(self.sub_file.start)
            self.data = file.read(self.sub_file.size)
        box = self.header.box
        self.left, self.top = tile_of(box.west, box.north, base)
        self.right, self.bottom = tile_of(box.east, box.south, base)

    def tiles(self) -> Iterator[tuple[int, int]]:
        for y in range(self.top, self.bottom + 1):
            for x in range(self.left, self.right + 1):
                yield x, y

    def ways(self, x: int, y: int) -> list[Way]:
        """Ways of the tile in base zoom coordinates."""
        columns = self.right - self.left + 1
        index = (y - self.top) * columns + x - self.left
        count = columns * (self.bottom - self.top + 1)
        start = self._offset(index)
        end = self._offset(index + 1) if index + 1 < count else len(self.data)
        if start == end:
            return []
        sub = self.sub_file
        reader = _Bytes(self.data[start:end])
        rows = [(reader.unsigned(), reader.unsigned()) for _ in range(sub.highest - sub.lowest + 1)]
        # The distance to the ways counts from behind itself.
        distance = reader.unsigned()
        reader.at += distance
        longitude, latitude = corner_of(x, y, sub.base)
        return [self._way(reader, longitude, latitude) for _ in range(sum(ways for _, ways in rows))]

    def _offset(self, index: int) -> int:
        return int.from_bytes(self.data[index * 5 : index * 5 + 5], "big") & 0x7FFFFFFFFF

    def _way(self, reader: _Bytes, longitude: float, latitude: float) -> Way:
        reader.unsigned()  # size
        reader.short()  # sub tiles
        tags = [self.header.way_tags[reader.unsigned()] for _ in range(reader.byte() & 0x0F)]
        for tag in tags:
            assert "=%" not in tag, "tag values are not read here"
        flags = reader.byte()
        for flag in (0x80, 0x40, 0x20):  # name, house number, reference
            if flags & flag:
                reader.string()
        if flags & 0x10:
            reader.signed(), reader.signed()  # label position
        blocks = reader.unsigned() if flags & 0x08 else 1
        double = bool(flags & 0x04)
        return Way(tags, [self._block(reader, longitude, latitude, double) for _ in range(blocks)])

    def _block(self, reader: _Bytes, longitude: float, latitude: float, double: bool) -> list[list[tuple[float, float]]]:
        return [self._ring(reader, longitude, latitude, double) for _ in range(reader.unsigned())]

    def _ring(self, reader: _Bytes, longitude: float, latitude: float, double: bool) -> list[tuple[float, float]]:
        # Whole microdegrees are summed up, so that a closed ring ends exactly where it began.
        count = reader.unsigned()
        y, x = reader.signed(), reader.signed()
        places = [(x, y)]
        step_y = step_x = 0
        for _ in range(count - 1):
            dy, dx = reader.signed(), reader.signed()
            step_y, step_x = (step_y + dy, step_x + dx) if double else (dy, dx)
            y, x = y + step_y, x + step_x
            places.append((x, y))
        return [(longitude + x / 1e6, latitude + y / 1e6) for x, y in places]
