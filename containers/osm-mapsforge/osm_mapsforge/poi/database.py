"""One POI file: its tables, and what is written into them."""

import os
import sqlite3
import time
import unicodedata
from contextlib import contextmanager
from types import TracebackType
from typing import Iterator

from ..box import Box
from ..errors import JobError
from ..workspace import Workspace, disk_full
from .categories import Categories
from .find import Poi

VERSION = 3
WRITER = "longshore-osm-mapsforge"
# No journal: a half-written file is thrown away, never repaired.
TABLES = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
CREATE TABLE metadata (name TEXT, value TEXT);
CREATE TABLE poi_categories (id INTEGER, name TEXT, parent INTEGER, PRIMARY KEY (id));
CREATE TABLE poi_category_map (id INTEGER, category INTEGER, PRIMARY KEY (id, category));
CREATE TABLE poi_data (id INTEGER, data TEXT, PRIMARY KEY (id));
CREATE TABLE poi_index (id INTEGER, lat REAL, lon REAL, PRIMARY KEY (id));
"""
# Made last: filling a table is faster without them.
INDEXES = """
CREATE INDEX poi_index_idx_lat ON poi_index (lat);
CREATE INDEX poi_index_idx_lon ON poi_index (lon);
"""
# What canonical decomposition parts from a letter: é becomes e and U+0301.
ACCENTS = dict.fromkeys(range(0x300, 0x370))


class PoiDatabase:
    """A POI file being written; `count` is how many points it holds so far. Ids are given in order, from 0."""

    def __init__(self, path: str, box: Box, categories: Categories) -> None:
        self.box = box
        self.count = 0
        # A file of that name is written anew, as the map writer does: SQLite would add to it.
        if os.path.exists(path):
            os.unlink(path)
        self._database = sqlite3.connect(path)
        self._database.executescript(TABLES)
        self._database.executemany("INSERT INTO poi_categories VALUES (?, ?, ?)", categories.rows)

    def __enter__(self) -> "PoiDatabase":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._database.close()

    def add(self, poi: Poi) -> None:
        """Adds the point if it lies in the box or on its edge."""
        box, insert = self.box, self._database.execute
        if not (box.west <= poi.longitude <= box.east and box.south <= poi.latitude <= box.north):
            return
        insert("INSERT INTO poi_index VALUES (?, ?, ?)", (self.count, poi.latitude, poi.longitude))
        insert("INSERT INTO poi_data VALUES (?, ?)", (self.count, data(poi.tags)))
        for category in poi.categories:
            insert("INSERT INTO poi_category_map VALUES (?, ?)", (self.count, category))
        self.count += 1

    def finish(self, comment: str | None, timestamp: int | None) -> None:
        """Metadata and indexes; `timestamp` in seconds since 1970, None for now."""
        box = self.box
        seconds = int(time.time()) if timestamp is None else timestamp
        metadata = [
            ("bounds", f"{box.south},{box.west},{box.north},{box.east}"),
            ("comment", comment),
            ("date", str(seconds * 1000)),
            # For files that keep one name only. Here all tags are kept, and readers choose among name:en, name:de, …
            ("language", None),
            ("version", str(VERSION)),
            ("ways", "true"),
            ("writer", WRITER),
        ]
        self._database.executemany("INSERT INTO metadata VALUES (?, ?)", metadata)
        self._database.executescript(INDEXES)
        self._database.commit()


def data(tags: dict[str, str]) -> str:
    """All tags, sorted, parted by carriage returns, as readers expect; `normalized_name` is for search without accents."""
    if "name" in tags:
        tags = {**tags, "normalized_name": unicodedata.normalize("NFD", tags["name"].lower()).translate(ACCENTS)}
    return "\r".join(f"{key}={value}".replace("\r", " ") for key, value in sorted(tags.items()))


@contextmanager
def write_errors(place: Workspace) -> Iterator[None]:
    """SQLite's failures as the handler's own: it has words of its own for ENOSPC."""
    try:
        yield
    except sqlite3.Error as error:
        if "is full" in str(error):
            raise disk_full(place) from None
        raise JobError(f"the points of interest can't be written: {error}; check the output folder") from error
