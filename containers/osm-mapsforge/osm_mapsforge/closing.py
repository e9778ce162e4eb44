"""Coastlines that run through a box are closed along its edge: lines become land.

In OpenStreetMap, and in GSHHG, land lies to the left of a coastline. So the land's edge that leaves the box goes on
counterclockwise along the box to where the next coastline comes in. No topology engine is needed, and nothing is
rounded: every point of the result is a point of a line or a corner of the box.
"""

from dataclasses import dataclass, field

from .box import Box

Point = tuple[float, float]
Line = list[Point]


class OpenCoast(Exception):
    """A coastline ends inside the box: what is land cannot be told. `point` says where."""

    def __init__(self, point: Point) -> None:
        super().__init__(f"a coastline ends at {point[1]:.5f} {point[0]:.5f}, inside the box")
        self.point = point


@dataclass
class Polygon:
    """One outer ring (counterclockwise) and its holes; each ring's first point is its last."""

    outer: Line
    holes: list[Line] = field(default_factory=list)


def clip(line: Line, box: Box) -> list[Line]:
    """The parts of a line inside the box; ends made by the clip lie exactly on the box's edge."""
    parts: list[Line] = []
    part: Line = []
    for start, end in zip(line, line[1:]):
        piece = _clip_segment(start, end, box)
        if piece is None:
            continue
        if part and part[-1] == piece[0]:
            part.append(piece[1])
        else:
            if len(part) > 1:
                parts.append(part)
            part = [piece[0], piece[1]]
    if len(part) > 1:
        parts.append(part)
    # A closed line that was cut starts inside the box by chance: its last part goes on in its first.
    if len(parts) > 1 and line[0] == line[-1] and parts[0][0] == line[0] and parts[-1][-1] == line[0]:
        parts[0] = parts.pop() + parts[0][1:]
    return parts


def _clip_segment(start: Point, end: Point, box: Box) -> tuple[Point, Point] | None:
    """Liang–Barsky; None when nothing but a point is left."""
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    enter, leave = 0.0, 1.0
    enter_at: Point | None = None
    leave_at: Point | None = None
    for delta, distance, x_edge, y_edge in (
        (-dx, x0 - box.west, box.west, None),
        (dx, box.east - x0, box.east, None),
        (-dy, y0 - box.south, None, box.south),
        (dy, box.north - y0, None, box.north),
    ):
        if delta == 0:
            if distance < 0:
                return None
            continue
        t = distance / delta
        at = (x_edge if x_edge is not None else x0 + t * dx, y_edge if y_edge is not None else y0 + t * dy)
        if delta < 0 and t > enter:
            enter, enter_at = t, at
        elif delta > 0 and t < leave:
            leave, leave_at = t, at
    if enter >= leave:
        return None
    return (_inside(enter_at or start, box), _inside(leave_at or end, box))


def _inside(point: Point, box: Box) -> Point:
    """Takes off what floating point put outside."""
    return (min(max(point[0], box.west), box.east), min(max(point[1], box.south), box.north))


def close(lines: list[Line], box: Box, land_without_coast: bool) -> list[Polygon]:
    """The land in a box from the coastlines in it (each inside the box, land on the left).

    `land_without_coast` answers for a box that no coastline cuts: all land, or all sea around the islands.
    Raises OpenCoast when a line ends inside the box, or when two neighbours on the edge contradict each other.
    """
    rings = [line for line in lines if len(line) > 3 and line[0] == line[-1]]
    arcs = [line for line in lines if line[0] != line[-1]]
    for arc in arcs:
        for end in (arc[0], arc[-1]):
            if not _on_edge(end, box):
                raise OpenCoast(end)
    outers = _walk(arcs, box)
    holes: list[Line] = []
    for ring in rings:
        (outers if signed_area(ring) > 0 else holes).append(ring)
    if not arcs and (holes and not outers or land_without_coast and not rings):
        outers.append(_corners(box))
    return _nest(outers, holes)


def _walk(arcs: list[Line], box: Box) -> list[Line]:
    """Rings of arcs and edge."""
    successor = _successors(arcs, box)
    rings: list[Line] = []
    left = set(successor)
    while left:
        first = index = min(left)
        ring: Line = []
        while True:
            left.discard(index)
            ring.extend(arcs[index])
            following = successor[index]
            ring.extend(_corners_between(arcs[index][-1], arcs[following][0], box))
            index = following
            if index == first:
                break
        if ring[0] != ring[-1]:
            ring.append(ring[0])
        if len(ring) > 3:
            rings.append(ring)
    return rings


def _successors(arcs: list[Line], box: Box) -> dict[int, int]:
    """For each arc the one that the edge leads to from its end. Ends and starts must take turns around the edge.

    Where one arc ends at the very point at which another starts (GSHHG's 16 bits round them together in three bins of
    Antarctica), either may come first: the one whose turn it is.
    """
    ends: dict[float, list[int]] = {}
    starts: dict[float, list[int]] = {}
    for index, arc in enumerate(arcs):
        ends.setdefault(_along(arc[-1], box), []).append(index)
        starts.setdefault(_along(arc[0], box), []).append(index)
    positions = sorted({*ends, *starts})
    # Begun where only ends lie, so that it is known whose turn it is.
    begin = next((at for at, position in enumerate(positions) if position not in starts), 0)
    successor: dict[int, int] = {}
    leaving: int | None = None
    for position in positions[begin:] + positions[:begin]:
        here_end, here_start = ends.get(position, []), starts.get(position, [])
        while here_end or here_start:
            if leaving is None:
                if not here_end:
                    raise OpenCoast(arcs[here_start[0]][0])
                leaving = here_end.pop()
            elif here_start:
                successor[leaving] = here_start.pop()
                leaving = None
            else:
                raise OpenCoast(arcs[here_end[0]][-1])
    return successor


def _on_edge(point: Point, box: Box) -> bool:
    return point[0] in (box.west, box.east) or point[1] in (box.south, box.north)


def _along(point: Point, box: Box) -> float:
    """Where on the edge: 0 at the south-west corner, counterclockwise."""
    x, y = point
    if y == box.south:
        return x - box.west
    if x == box.east:
        return box.width + y - box.south
    if y == box.north:
        return box.width + box.height + box.east - x
    return 2 * box.width + box.height + box.north - y


def _corners_between(start: Point, end: Point, box: Box) -> Line:
    """The corners passed on the way from one point of the edge to another, counterclockwise."""
    around = 2 * (box.width + box.height)
    begin, finish = _along(start, box), _along(end, box)
    if finish < begin:
        finish += around
    corners = [
        (box.width, (box.east, box.south)),
        (box.width + box.height, (box.east, box.north)),
        (2 * box.width + box.height, (box.west, box.north)),
        (around, (box.west, box.south)),
    ]
    laps = corners + [(position + around, corner) for position, corner in corners]
    return [corner for position, corner in laps if begin < position < finish]


def _corners(box: Box) -> Line:
    w, s, e, n = box.as_list()
    return [(w, s), (e, s), (e, n), (w, n), (w, s)]


def _nest(outers: list[Line], holes: list[Line]) -> list[Polygon]:
    """Each hole goes to the smallest outer ring around it."""
    polygons = sorted((Polygon(ring) for ring in outers), key=lambda polygon: signed_area(polygon.outer))
    for hole in holes:
        around = next((polygon for polygon in polygons if contains(polygon.outer, hole[0])), None)
        if around is None:
            raise OpenCoast(hole[0])
        around.holes.append(hole)
    return polygons


def signed_area(ring: Line) -> float:
    """Square degrees; positive for a counterclockwise ring."""
    x0, y0 = ring[0]
    # Relative to the first point: absolute degrees would cost small rings their last digits.
    return 0.5 * sum(
        (a[0] - x0) * (b[1] - y0) - (b[0] - x0) * (a[1] - y0) for a, b in zip(ring, ring[1:])
    )


def contains(ring: Line, point: Point) -> bool:
    """Whether a point lies inside a ring (even-odd rule)."""
    x, y = point
    inside = False
    for (x0, y0), (x1, y1) in zip(ring, ring[1:]):
        if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
            inside = not inside
    return inside
