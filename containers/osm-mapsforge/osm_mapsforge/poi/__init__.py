"""NAME.poi: points of interest as mapsforge reads them (SQLite, POI format version 3).

Mapsforge's own writer is a plug-in for osmosis that no registry has. osmium finds the objects, and the format is five
small tables: so it is written here. Objects stream from osmium's result into the tables; only the ids and places of the
nodes of ways are held (32 bytes each), so an extract of 500 MB needs tens of megabytes.
Format: https://github.com/mapsforge/mapsforge/blob/master/docs/POI.md
"""

import os
from contextlib import ExitStack

from ..box import Box
from ..source import Source
from ..workspace import Workspace
from .categories import read_categories
from .database import PoiDatabase, write_errors
from .find import filtered, points


def write_pois(source: Source, extract: str, targets: list[tuple[str, Box]], comment: str | None, place: Workspace) -> list[int]:
    """Writes one file for each target (path and box) from one pass over the extract, which must be sorted by kind.

    Returns how many points each holds: nodes, and ways by their middle. The date in the file is the data's (now, where
    the extract does not tell), so equal input gives equal bytes. Raises BadInput when the extract can't be read, the
    failure for a full disk when that is so.
    """
    categories = read_categories()
    opl = filtered(source, extract, categories, place)
    with write_errors(place), ExitStack() as stack:
        databases = [stack.enter_context(PoiDatabase(path, box, categories)) for path, box in targets]
        for poi in points(opl, extract, source.label, categories):
            for database in databases:
                database.add(poi)
        for database in databases:
            database.finish(comment, source.header.timestamp)
    os.unlink(opl)
    return [database.count for database in databases]
