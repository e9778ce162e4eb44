"""Finds the points of interest of an extract, one after the other."""

import os
import re
from array import array
from dataclasses import dataclass
from typing import Iterator

from ..merge import unreadable
from ..opl import read_opl
from ..source import Source
from ..tools import ToolFailed, run
from ..workspace import Workspace
from .categories import Categories
from .middle import middle
from .places import find_places

_TAGS = re.compile(r" T\S*")


@dataclass(frozen=True)
class Poi:
    """A point of interest: where it is, its tags, its categories."""

    longitude: float
    latitude: float
    tags: dict[str, str]
    categories: list[int]


def filtered(source: Source, extract: str, categories: Categories, place: Workspace) -> str:
    """The nodes and ways with a tag of a category, as OPL; the file's path. Raises BadInput when it can't be read.

    A file and not a pipe: ways are read twice, and damage is told before anything is written.
    """
    path = os.path.join(place.scratch, "poi.opl")
    filters = [f"nw/{tag}" for tag in categories.by_tag]
    try:
        run(place, "osmium", "tags-filter", "--no-progress", "-R", "-f", "opl,add_metadata=false", "-o", path, extract, *filters)
    except ToolFailed as error:
        raise unreadable(source, error) from None
    return path


def points(opl: str, extract: str, name: str, categories: Categories) -> Iterator[Poi]:
    """Nodes at their place and ways at their middle, in the order of the file. A way without any known node is left out."""
    wanted = array("q")
    for line in _lines(opl, "w"):
        # Tags are most of a line, and most of the work.
        for way in read_opl(_TAGS.sub("", line, count=1)):
            wanted.extend(way.nodes)
    places = find_places(extract, name, wanted)
    for line in _lines(opl, "nw"):
        for found in read_opl(line):
            at = found.place or middle(found.nodes, places)
            belongs = categories.of(found.tags)
            if at and belongs:
                yield Poi(*at, found.tags, belongs)


def _lines(opl: str, kinds: str) -> Iterator[str]:
    with open(opl, encoding="utf-8", newline="\n") as file:
        for line in file:
            if line[0] in kinds:
                yield line
