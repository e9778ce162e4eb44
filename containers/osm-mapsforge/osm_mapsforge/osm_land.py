"""Land polygons become OSM objects, in OPL (one object a line), sorted by kind and id.

Each polygon is a closed way `natural=nosea`; one with holes is a multipolygon relation. Under them lies one way
`natural=sea` around the box. These are the tags that mapsforge themes paint land and sea by.
"""

from typing import Iterable, TextIO

from .box import Box
from .closing import Line, Polygon

# OpenStreetMap's node ids have passed 13,000,000,000 and grow by a billion a year. Ids from here on stay above them,
# so the merged stream stays sorted, and far below 2^63.
FIRST_ID = 1_000_000_000_000
LAND_TAGS = "Tarea=yes,layer=-5,natural=nosea"
SEA_TAGS = "Tarea=yes,layer=-5,natural=sea"
# Land drawn below 1e-7 degrees (1 cm) is not drawn at all: OSM stores whole steps of that.
DIGITS = 7


def write_opl(file: TextIO, pieces: Iterable[Polygon], box: Box, first_id: int = FIRST_ID) -> int:
    """Writes sea and land of one box; returns the number of land polygons written."""
    nodes: dict[tuple[str, str], int] = {}
    ways: list[tuple[str, list[int]]] = []
    relations: list[list[str]] = []

    def way(tags: str, ring: Line) -> int | None:
        refs: list[int] = []
        for x, y in ring:
            place = (f"{x:.{DIGITS}f}", f"{y:.{DIGITS}f}")
            # The same corner of two polygons is one node, as in OSM.
            node = nodes.setdefault(place, first_id + len(nodes))
            if not refs or refs[-1] != node:
                refs.append(node)
        if len(refs) < 4:
            return None  # smaller than a centimetre
        ways.append((tags, refs))
        return first_id + len(ways) - 1

    w, s, e, n = box.as_list()
    way(SEA_TAGS, [(w, s), (e, s), (e, n), (w, n), (w, s)])
    count = 0
    for piece in pieces:
        outer = way("" if piece.holes else LAND_TAGS, piece.outer)
        if outer is None:
            continue
        count += 1
        if piece.holes:
            inners = [way("", hole) for hole in piece.holes]
            relations.append([f"w{outer}@outer", *(f"w{inner}@inner" for inner in inners if inner is not None)])
    for (x, y), node in nodes.items():
        file.write(f"n{node} v1 x{x} y{y}\n")
    for index, (tags, refs) in enumerate(ways):
        file.write(f"w{first_id + index} v1 {tags} N{','.join(f'n{ref}' for ref in refs)}\n".replace("  ", " "))
    for index, members in enumerate(relations):
        file.write(f"r{first_id + index} v1 Ttype=multipolygon,{LAND_TAGS[1:]} M{','.join(members)}\n")
    return count
