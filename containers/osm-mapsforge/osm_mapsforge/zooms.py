"""At which zooms the writer cuts a map into tiles: its own choice, or larger tiles for much land or sea with little in it."""

import math

from .box import Box

# Where the Mercator projection's square ends.
MOST_LATITUDE = 85.0511287798
# The writer's own finest tiles. Each costs it about 95 µs, 500 bytes of heap and 80 bytes of map whether anything but land
# or sea is in it: for the 78 million of Antarctica's box two hours, 36 GB and a map of 6 GB of a 31 MB extract.
FINEST = 14
# Below either, the writer's own tiles are right: few are soon written, and with more in them readers have less to read
# at a time. Nunavut (13 million tiles, 5 bytes each) is beyond both, Siberia (11 million, 25 bytes) is not.
MANY_TILES = 1_000_000
LITTLE_DATA = 16
# Base zoom, lowest, highest of each interval: tiles of 4 by 4 of the writer's own, for the same zooms.
SPARSE = "5,0,7,10,8,11,12,12,21"


def zoom_intervals(box: Box, data_bytes: int) -> str | None:
    """The writer's `zoom-interval-conf` for a box and its uncompressed data; None is the writer's own."""
    tiles = tiles_of(box)
    return SPARSE if tiles > MANY_TILES and data_bytes < LITTLE_DATA * tiles else None


def tiles_of(box: Box) -> float:
    """How many of the writer's own finest tiles a box has, about."""
    edge = 2**FINEST
    return (box.width / 360 * edge) * ((_north(box.north) - _north(box.south)) * edge)


def _north(latitude: float) -> float:
    """Share of the Mercator square between the equator and a latitude."""
    kept = max(-MOST_LATITUDE, min(MOST_LATITUDE, latitude))
    return math.asinh(math.tan(math.radians(kept))) / math.tau
