"""Where the data of a PBF file lies, for files whose header does not tell: one box, or two across the 180th meridian.

An area that crosses the 180th meridian (Fiji, New Zealand, Chukotka) has bounds from -180 to 180 in its header, as
west may not lie east of east there; or from its westernmost to its easternmost node, which is nearly as far. A map of
those bounds would be a strip around the whole globe, nearly all sea, in which Fiji's two halves lie at opposite ends. Its
nodes tell better: they leave most of the globe empty.
"""

from typing import Any

from .box import Box, boxes
from .errors import BadInput
from .nodes import deltas, grid, groups, visit_blocks
from .pbf import _fields, _zigzag

# Degrees of longitude without a node between the two sides of the 180th meridian, from which on the sides become maps
# of their own. Fiji leaves 355 empty, Russia 188, France with its territories 108. Under a quarter of the globe two maps
# would be hardly narrower than one, and not worth the cut.
WIDE_GAP = 90
# A header this wide says nothing about where in it the data lies; the margin is for writers that round.
ALL_ROUND = 359
# Tenths of a degree: coarse against WIDE_GAP, and the planet's 9,000,000,000 nodes still need 60 KB only.
CELLS_A_DEGREE = 10


def goes_round(box: Box) -> bool:
    """Whether bounds go all the way round the globe."""
    return box.width >= ALL_ROUND


def may_cross(box: Box) -> bool:
    """Whether there is room in the bounds for the gap of an area that crosses the 180th meridian."""
    return box.width >= 360 - WIDE_GAP


def data_boxes(path: str, name: str, told: Box | None, nodes_first: bool) -> list[Box]:
    """The box, or the western and the eastern of two, that hold all nodes of a file.

    South and north are those of `told` (the header's bounds) where given. `nodes_first` says that no node comes after
    the first way. Raises BadInput when the file can't be read or holds no extent.
    """
    extent = Extent()
    visit_blocks(path, name, lambda block: extent.add_block(block) or not nodes_first)
    try:
        return extent.boxes(told)
    except ValueError as error:
        raise BadInput(f"{name} holds no extent that a map can be made of ({error}); set BBOX") from None


class Extent:
    """Southernmost and northernmost node, and the westernmost and easternmost in each cell of longitude."""

    def __init__(self) -> None:
        import numpy

        cells = 360 * CELLS_A_DEGREE + 1
        self._west, self._east = numpy.full(cells, numpy.inf), numpy.full(cells, -numpy.inf)
        self._south, self._north = numpy.inf, -numpy.inf

    def add_block(self, block: bytes) -> bool:
        """False when the block holds no nodes at all."""
        step, east, north = grid(block)
        found = False
        for group in groups(block):
            for kind, message in _fields(group):
                if kind not in (1, 2):
                    continue
                found = True
                xs, ys = _places(kind, dict(_fields(message)))
                self.add(east + xs * step, north + ys * step)
        return found

    def add(self, xs: Any, ys: Any) -> None:
        """Longitudes and latitudes of nodes (numpy arrays). Places off the globe are no places: osmium skips them, too."""
        import numpy

        # Rounded first: the pole is 900,000,000 steps north, which come to 90.00000000000001°.
        xs, ys = xs.round(7), ys.round(7)
        there = (abs(xs) <= 180) & (abs(ys) <= 90)
        xs, ys = xs[there], ys[there]
        if not len(xs):
            return
        cells = ((xs + 180) * CELLS_A_DEGREE).astype("i4")
        numpy.minimum.at(self._west, cells, xs)
        numpy.maximum.at(self._east, cells, xs)
        self._south, self._north = min(self._south, ys.min()), max(self._north, ys.max())

    def boxes(self, told: Box | None) -> list[Box]:
        """Raises ValueError for data without an extent: no node, or all on one line."""
        used = (self._west <= self._east).nonzero()[0]
        if not len(used):
            raise ValueError("no nodes")
        west, east = self._west[used].tolist(), self._east[used].tolist()
        south, north = (told.south, told.north) if told else (float(self._south), float(self._north))
        across = west[0] + 360 - east[-1]
        gap, before, after = max(((right - left, left, right) for left, right in zip(east, west[1:])), default=(0.0, 0.0, 0.0))
        if gap < WIDE_GAP or gap <= across:
            return [Box(west[0], south, east[-1], north)]
        # Nodes on the meridian itself are on both sides: they make no box of no width.
        if before == -180:
            return [Box(after, south, 180, north)]
        if after == 180:
            return [Box(-180, south, before, north)]
        return boxes(after, south, before, north)


def _places(kind: int, fields: dict[int, Any]) -> tuple[Any, Any]:
    """Steps east and north of one node (kind 1) or of densely packed ones (kind 2), as arrays."""
    import numpy

    if kind == 2:
        return deltas(fields[9]), deltas(fields[8])
    return numpy.array([_zigzag(fields[9])]), numpy.array([_zigzag(fields[8])])
