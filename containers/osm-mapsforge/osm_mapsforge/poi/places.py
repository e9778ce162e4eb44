"""The places of the nodes of ways, for millions of nodes."""

from array import array
from bisect import bisect_left

from ..closing import Point
from ..nodes import _search_block, visit_blocks

# Farther than any longitude: the mark of a node that was not found.
NOWHERE = 1e9


class Places:
    """Longitude and latitude by node, 24 bytes each: a dict needs 200. `ids` are sorted, each there once."""

    def __init__(self, ids: array) -> None:
        self.ids = ids
        self._x = array("d", [NOWHERE]) * len(ids)
        self._y = array("d", [NOWHERE]) * len(ids)

    def __setitem__(self, node: int, place: Point) -> None:
        index = bisect_left(self.ids, node)
        self._x[index], self._y[index] = place

    def get(self, node: int) -> Point | None:
        """None for a node that the file does not have."""
        index = bisect_left(self.ids, node)
        if index == len(self.ids) or self.ids[index] != node or self._x[index] == NOWHERE:
            return None
        return (self._x[index], self._y[index])


def find_places(path: str, name: str, wanted: array) -> Places:
    """The places of the `wanted` nodes (int64, in any order, any number of times) in a PBF file sorted by kind.

    Raises BadInput when a block can't be read.
    """
    import numpy

    ids = numpy.unique(numpy.array(wanted, dtype="i8"))
    places = Places(array("q", ids.tobytes()))
    if len(ids):
        # The search is over when ways begin: no node follows.
        visit_blocks(path, name, lambda block: _search_block(block, ids, places))
    return places
