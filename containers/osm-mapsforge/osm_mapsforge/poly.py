"""Osmosis polygon files (`.poly`), the bounds of a Geofabrik area.

A file is a name, then sections, each a name and its points up to `END`, then a last `END`. A section whose name
begins with `!` is a hole. Points are `longitude latitude`.
"""

from .box import Box, boxes
from .errors import BadInput

Ring = list[tuple[float, float]]


def parse_poly(text: str, where: str) -> list[Ring]:
    """The outer rings. Holes are read (a broken one is an error) and left out: they never widen the bounds.

    Raises BadInput naming file and line.
    """
    rings: list[Ring] = []
    ring: Ring | None = None
    hole = False
    ended = False
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if number == 1 or not line:
            continue
        if ended:
            raise BadInput(f"{where} line {number}: text after the last END; the .poly file is damaged")
        if ring is None:
            if line == "END":
                ended = True
            else:
                ring, hole = [], line.startswith("!")
        elif line == "END":
            if len(ring) < 3:
                raise BadInput(f"{where} line {number}: a ring of {len(ring)} points; the .poly file is damaged")
            if not hole:
                rings.append(ring)
            ring = None
        else:
            ring.append(_point(line, where, number))
    if not ended:
        raise BadInput(f"{where}: ends before its last END; the .poly file is truncated")
    if not rings:
        raise BadInput(f"{where}: has no outer ring; the .poly file is damaged")
    return rings


def _point(line: str, where: str, number: int) -> tuple[float, float]:
    try:
        longitude, latitude = (float(word) for word in line.split())
    except ValueError:
        raise BadInput(f"{where} line {number}: “{line}” is no `longitude latitude`") from None
    # Rings that cross the 180th meridian are drawn past it (190 is -170), hence the double range.
    if not (-360 <= longitude <= 360 and -90 <= latitude <= 90):
        raise BadInput(f"{where} line {number}: {longitude} {latitude} is outside the globe")
    return longitude, latitude


def bounds(rings: list[Ring]) -> list[Box]:
    """The narrowest bounds around all rings: one box, or two when they are narrower across the 180th meridian."""
    south = min(latitude for ring in rings for _, latitude in ring)
    north = max(latitude for ring in rings for _, latitude in ring)
    spans = sorted(span for ring in rings for span in _spans(ring))
    merged = [spans[0]]
    for west, east in spans[1:]:
        if west <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(east, merged[-1][1]))
        else:
            merged.append((west, east))
    # The widest gap between the rings is what the map leaves out. Over the 180th meridian: one box.
    gaps = [(following[0] - before[1], before[1], following[0]) for before, following in zip(merged, merged[1:])]
    across = merged[0][0] + 360 - merged[-1][1]
    widest = max(gaps, default=(0.0, 0.0, 0.0))
    if widest[0] <= across:
        return boxes(merged[0][0], south, merged[-1][1], north)
    return [box for box in _halves(widest[2], merged[-1][1], merged[0][0], widest[1], south, north)]


def _halves(west: float, last: float, first: float, east: float, south: float, north: float) -> list[Box]:
    """The box of the eastern hemisphere up to `last`, the one of the western from `first`."""
    return [Box(west, south, last, north), Box(first, south, east, north)]


def _spans(ring: Ring) -> list[tuple[float, float]]:
    """The ring's longitudes as spans inside -180…180."""
    west = min(longitude for longitude, _ in ring)
    east = max(longitude for longitude, _ in ring)
    if east - west >= 360:
        return [(-180.0, 180.0)]
    shift = 360 if west < -180 else 0
    west, east = west + shift, east + shift
    if west >= 180 and west < east:
        return [(west - 360, east - 360)]
    if east <= 180:
        return [(west, east)]
    return [(west, 180.0), (-180.0, east - 360)]
