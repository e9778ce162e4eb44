"""Land polygons of the planet from GSHHG, in the form in which Debian ships it (package gmt-gshhg-full).

The netCDF file is a spatial index already: the world in bins of one degree, each with its own pieces of shoreline
(16-bit coordinates inside the bin) and the level of its corners (0 sea, 1 land, 2 lake, …). Reading only the bins
under a box takes milliseconds, so nothing is converted and no second copy of 170 MB goes into the image.
"""

import os
from typing import Iterator

from .box import Box
from .closing import Line, Polygon, close

DEFAULT_FILE = "/usr/share/gmt-gshhg/binned_GSHHS_f.nc"
COLUMNS = 360
FULL_SCALE = 65535.0
LAND = 1


def gshhg_file() -> str | None:
    """The file's path, or None when it is not on this machine. OSM_MAPSFORGE_GSHHG names another place."""
    path = os.environ.get("OSM_MAPSFORGE_GSHHG", DEFAULT_FILE)
    return path if os.path.isfile(path) else None


class Gshhg:
    """The shorelines, read bin by bin."""

    def __init__(self, path: str) -> None:
        from osgeo import gdal  # slow to load, and not every job needs it

        gdal.UseExceptions()
        self._dataset = gdal.OpenEx(path, gdal.OF_MULTIDIM_RASTER)
        group = self._dataset.GetRootGroup()
        read = lambda name: group.OpenMDArray(name).ReadAsArray()  # noqa: E731
        self._first_segment = read("Id_of_first_segment_in_a_bin")
        self._segments = read("N_segments_in_a_bin")
        self._corners = read("Embedded_node_levels_in_a_bin")
        self._info = group.OpenMDArray("Embedded_npts_levels_exit_entry_for_a_segment")
        self._first_point = group.OpenMDArray("Id_of_first_point_in_a_segment")
        self._x = group.OpenMDArray("Relative_longitude_from_SW_corner_of_bin")
        self._y = group.OpenMDArray("Relative_latitude_from_SW_corner_of_bin")

    def land(self, box: Box) -> Iterator[Polygon]:
        """Land polygons, cut at whole degrees, of every bin that the box touches (not cut to the box)."""
        for south in range(_floor(box.south, 89), _floor(box.north, 89, upper=True) + 1):
            for west in range(_floor(box.west, 179), _floor(box.east, 179, upper=True) + 1):
                yield from self.land_of_bin(west, south)

    def land_of_bin(self, west: int, south: int) -> list[Polygon]:
        """Land polygons of the bin whose south-west corner is given, in whole degrees."""
        index = (89 - south) * COLUMNS + west % COLUMNS
        # Three bits a corner, the south-west one first.
        land_at_corner = (int(self._corners[index]) >> 9 & 7) >= LAND
        return close(self._lines(index, west, south), Box(west, south, west + 1, south + 1), land_at_corner)

    def _lines(self, index: int, west: int, south: int) -> list[Line]:
        count = int(self._segments[index])
        if count == 0:
            return []
        first = int(self._first_segment[index])
        info = self._info.ReadAsArray(array_start_idx=[first], count=[count]).view("u4")
        starts = self._first_point.ReadAsArray(array_start_idx=[first], count=[count])
        # The segments of one bin lie one after another: one read for all of them.
        begin = int(starts[0])
        points = int(starts[-1]) + int(info[-1] >> 9) - begin
        xs = self._x.ReadAsArray(array_start_idx=[begin], count=[points]).view("u2") / FULL_SCALE + west
        ys = self._y.ReadAsArray(array_start_idx=[begin], count=[points]).view("u2") / FULL_SCALE + south
        lines: list[Line] = []
        for word, start in zip(info.tolist(), starts.tolist()):
            # Nine low bits: level, entry side, exit side. Level 6 is Antarctica's grounding line, which lies under
            # the ice: its ice front (a level 1) is the coast. Lakes (2 and up) are the extract's own business.
            if word >> 6 & 7 != LAND:
                continue
            part = slice(start - begin, start - begin + (word >> 9))
            lines.append(list(zip(xs[part].tolist(), ys[part].tolist())))
        return lines


def _floor(value: float, most: int, upper: bool = False) -> int:
    """The whole degree of a coordinate; an upper bound exactly on a degree does not reach into the next bin."""
    whole = int(value // 1)
    if upper and whole == value:
        whole -= 1
    return min(whole, most)
