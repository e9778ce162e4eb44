"""NAME.poi: points of interest as mapsforge reads them (SQLite, POI format version 3).

Mapsforge's own writer is a plug-in for osmosis that Debian does not ship. The format is five small tables, and osmium
finds the objects: so it is written here, in a fraction of the time and memory of a second osmosis pipeline.
Format: https://github.com/mapsforge/mapsforge/blob/master/docs/POI.md
"""

import os
import sqlite3
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from .box import Box
from .closing import contains, signed_area
from .merge import unreadable
from .nodes import find_nodes
from .opl import OplObject, read_opl
from .source import Source
from .styles import styles_folder
from .tools import ToolFailed, run
from .workplace import Workplace

VERSION = 3
WRITER = "longshore-osm-mapsforge"
TABLES = """
CREATE TABLE metadata (name TEXT, value TEXT);
CREATE TABLE poi_categories (id INTEGER, name TEXT, parent INTEGER, PRIMARY KEY (id));
CREATE TABLE poi_category_map (id INTEGER, category INTEGER, PRIMARY KEY (id, category));
CREATE TABLE poi_data (id INTEGER, data TEXT, PRIMARY KEY (id));
CREATE TABLE poi_index (id INTEGER, lat REAL, lon REAL, PRIMARY KEY (id));
"""
INDEXES = """
CREATE INDEX poi_index_idx_lat ON poi_index (lat);
CREATE INDEX poi_index_idx_lon ON poi_index (lon);
"""


@dataclass(frozen=True)
class Categories:
    """`rows` for the table (id, title, parent id or None), and the categories of each `key=value`."""

    rows: list[tuple[int, str, int | None]]
    by_tag: dict[str, list[int]]


@dataclass(frozen=True)
class Poi:
    """A point of interest: where it is, its tags, its categories."""

    longitude: float
    latitude: float
    tags: dict[str, str]
    categories: list[int]


def read_categories() -> Categories:
    """The categories shipped with the handler."""
    rows: list[tuple[int, str, int | None]] = []
    by_tag: dict[str, list[int]] = {}

    def visit(element: ElementTree.Element, parent: int | None) -> None:
        identity = len(rows)
        rows.append((identity, element.attrib["title"], parent))
        for child in element:
            if child.tag.endswith("mapping"):
                by_tag.setdefault(child.attrib["tag"], []).append(identity)
            elif child.tag.endswith("category"):
                visit(child, identity)

    visit(ElementTree.parse(os.path.join(styles_folder(), "bike.poi.xml")).getroot(), None)
    return Categories(rows, by_tag)


def find_pois(source: Source, extract: str, categories: Categories, place: Workplace) -> list[Poi]:
    """All points of interest of the extract: nodes, and ways by their middle. Raises BadInput when it can't be read."""
    filters = [f"nw/{tag}" for tag in categories.by_tag]
    try:
        text = run(place, "osmium", "tags-filter", "--no-progress", "-R", "-f", "opl,add_metadata=false", "-o", "-", extract,
                   *filters).decode()
    except ToolFailed as error:
        raise unreadable(source, error) from None
    objects = list(read_opl(text))
    places = find_nodes(extract, source.label, {node for found in objects for node in found.nodes})
    pois = []
    for found in objects:
        at = found.place or middle(found, places)
        belongs = sorted({one for tag in found.tags.items() for one in categories.by_tag.get("=".join(tag), [])})
        if at and belongs:
            pois.append(Poi(*at, found.tags, belongs))
    return pois


def middle(way: OplObject, places: dict[int, tuple[float, float]]) -> tuple[float, float] | None:
    """The centre of gravity of a closed way if that lies inside it, else its middle node; None without any place."""
    line = [places[node] for node in way.nodes if node in places]
    if not line:
        return None
    area = signed_area(line) if len(line) > 3 and line[0] == line[-1] else 0.0
    if area:
        x0, y0 = line[0]
        crosses = [((ax - x0) * (by - y0) - (bx - x0) * (ay - y0), ax + bx - 2 * x0, ay + by - 2 * y0) for (ax, ay), (bx, by) in zip(line, line[1:])]
        center = (x0 + sum(c * x for c, x, _ in crosses) / (6 * area), y0 + sum(c * y for c, _, y in crosses) / (6 * area))
        if contains(line, center):
            return (round(center[0], 7), round(center[1], 7))
    return line[(len(line) - 1) // 2]


def write_poi(path: str, pois: list[Poi], categories: Categories, box: Box, comment: str | None, languages: tuple[str, ...]) -> int:
    """Writes those in the box; returns how many. Raises OSError when the disk is full."""
    inside = [poi for poi in pois if box.west <= poi.longitude <= box.east and box.south <= poi.latitude <= box.north]
    if os.path.exists(path):
        os.unlink(path)  # the map writer, too, writes anew what is there
    database = sqlite3.connect(path)
    try:
        # No journal: a half-written file is thrown away, never repaired.
        database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + TABLES)
        database.executemany("INSERT INTO poi_categories VALUES (?, ?, ?)", categories.rows)
        database.executemany("INSERT INTO poi_index VALUES (?, ?, ?)", ((n, poi.latitude, poi.longitude) for n, poi in enumerate(inside)))
        database.executemany("INSERT INTO poi_data VALUES (?, ?)", ((n, _data(poi.tags)) for n, poi in enumerate(inside)))
        database.executemany("INSERT INTO poi_category_map VALUES (?, ?)", ((n, one) for n, poi in enumerate(inside) for one in poi.categories))
        database.executemany("INSERT INTO metadata VALUES (?, ?)", _metadata(box, comment, languages))
        database.executescript(INDEXES)
        database.commit()
    finally:
        database.close()
    return len(inside)


def _data(tags: dict[str, str]) -> str:
    """All tags, sorted, parted by carriage returns, as readers expect."""
    return "\r".join(f"{key}={value}" for key, value in sorted(tags.items()))


def _metadata(box: Box, comment: str | None, languages: tuple[str, ...]) -> list[tuple[str, str | None]]:
    return [
        ("bounds", f"{box.south},{box.west},{box.north},{box.east}"),
        ("comment", comment),
        ("date", str(int(time.time() * 1000))),
        ("language", languages[0] if languages else None),
        ("version", str(VERSION)),
        ("ways", "true"),
        ("writer", WRITER),
    ]
