"""Where on the map a way is shown as a point."""

from ..closing import Point, contains, signed_area
from .places import Places


def middle(nodes: list[int], places: Places | dict[int, Point]) -> Point | None:
    """The centre of gravity of a closed way if that lies inside it, else its middle node; None without any place."""
    line = [at for at in map(places.get, nodes) if at is not None]
    if not line:
        return None
    area = signed_area(line) if len(line) > 3 and line[0] == line[-1] else 0.0
    if area:
        x0, y0 = line[0]
        x = y = 0.0
        for (ax, ay), (bx, by) in zip(line, line[1:]):
            cross = (ax - x0) * (by - y0) - (bx - x0) * (ay - y0)
            x += cross * (ax + bx - 2 * x0)
            y += cross * (ay + by - 2 * y0)
        center = (x0 + x / (6 * area), y0 + y / (6 * area))
        if contains(line, center):
            return (round(center[0], 7), round(center[1], 7))
    return line[(len(line) - 1) // 2]
