"""Land from the extract's own coastlines: exact wherever they close, in the box or against its edge."""

import os

from .box import Box
from .closing import Line, Polygon, clip, close
from .nodes import find_nodes
from .opl import read_opl
from .tools import run
from .workspace import Workspace


def coastlines(place: Workspace, extract: str) -> list[Line]:
    """The extract's coastlines (`natural=coastline`), joined head to tail; land lies to their left."""
    text = run(place, "osmium", "tags-filter", "--no-progress", "-R", "-f", "opl,add_metadata=false", "-o", "-", extract,
               "w/natural=coastline").decode()
    ways = [way.nodes for way in read_opl(text)]
    places = find_nodes(extract, os.path.basename(extract), {node for way in ways for node in way})
    # An extract cut out of the planet may lack nodes: the line then ends earlier, and is told as open.
    return join(places, [[node for node in way if node in places] for way in ways])


def join(places: dict[int, tuple[float, float]], ways: list[list[int]]) -> list[Line]:
    """Joins ways that go on in each other; a closed line's first point is its last."""
    starts = {way[0]: index for index, way in enumerate(ways) if len(way) > 1}
    ends = {way[-1] for way in ways if len(way) > 1}
    lines: list[Line] = []
    left = set(starts.values())
    # Open lines first, from where nothing leads to; what is left after them are rings.
    order = [index for node, index in starts.items() if node not in ends] + list(starts.values())
    for index in order:
        if index not in left:
            continue
        nodes: list[int] = []
        following: int | None = index
        while following in left:
            left.discard(following)
            nodes.extend(ways[following] if not nodes else ways[following][1:])
            following = starts.get(nodes[-1])
        lines.append([places[node] for node in nodes])
    return lines


def land(lines: list[Line], box: Box, land_without_coast: bool) -> list[Polygon]:
    """Land in the box. Raises OpenCoast when a coastline ends inside it."""
    return close([part for line in lines for part in clip(line, box)], box, land_without_coast)


def reaches(lines: list[Line], box: Box) -> bool:
    """Whether any coastline runs in the box."""
    return any(clip(line, box) for line in lines)
