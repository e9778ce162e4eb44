"""Cuts land to a box, and takes geometries apart into polygons, with every ring kept.

A clip may turn one polygon into several, or into one with holes. Whoever then writes only the first ring loses land
or floods lakes, silently. Here every ring goes through, and the area that comes out is compared with what went in.
"""

from typing import Any, Iterable

from .box import Box
from .closing import Line, Polygon, signed_area
from .errors import JobError

# Square degrees. One 1e-7 degree step (1 cm) along a coast of 1,000 km changes an area by 1e-6.
AREA_TOLERANCE = 1e-9
AREA_TOLERANCE_SHARE = 1e-6


def from_polygons(polygons: Iterable[Polygon]) -> Iterable[Any]:
    """ogr.Geometry for each polygon."""
    from osgeo import ogr

    for polygon in polygons:
        geometry = ogr.Geometry(ogr.wkbPolygon)
        for line in (polygon.outer, *polygon.holes):
            ring = ogr.Geometry(ogr.wkbLinearRing)
            for x, y in line:
                ring.AddPoint_2D(x, y)
            geometry.AddGeometry(ring)
        yield geometry


def clip(geometries: Iterable[Any], box: Box) -> list[Polygon]:
    """The parts of geometries (ogr.Geometry, areal) inside the box, as polygons.

    Raises JobError when a geometry can't be cut or its area changes on the way: land is never dropped silently.
    """
    from osgeo import gdal, ogr

    ogr.UseExceptions()
    frame = ogr.CreateGeometryFromWkt(
        "POLYGON(({0} {1},{2} {1},{2} {3},{0} {3},{0} {1}))".format(box.west, box.south, box.east, box.north)
    )
    pieces: list[Polygon] = []
    # GEOS warns on stderr of each self-crossing that MakeValid then mends: not worth a reader's time.
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        for geometry in geometries:
            pieces.extend(_cut(geometry, box, frame))
    finally:
        gdal.PopErrorHandler()
    return pieces


def _cut(geometry: Any, box: Box, frame: Any) -> list[Polygon]:
    west, east, south, north = geometry.GetEnvelope()
    what = f"land near {south:.4f} {west:.4f}"
    try:
        if not geometry.IsValid():
            geometry = geometry.MakeValid()
        if west < box.west or east > box.east or south < box.south or north > box.north:
            geometry = geometry.Intersection(frame)
    except RuntimeError as error:
        raise JobError(f"{what} can't be cut to the box: {error}") from None
    if geometry is None:
        raise JobError(f"{what} can't be cut to the box: the clip gave nothing back")
    parts = take_apart(geometry)
    check_area(geometry.GetArea(), parts, what)
    return parts


def take_apart(geometry: Any) -> list[Polygon]:
    """All polygons of a geometry, each with all of its rings; lines and points of a clip have no area and go."""
    from osgeo import ogr

    kind = ogr.GT_Flatten(geometry.GetGeometryType())
    if kind == ogr.wkbPolygon:
        if geometry.IsEmpty():
            return []
        rings = [_ring(geometry.GetGeometryRef(index)) for index in range(geometry.GetGeometryCount())]
        return [Polygon(_turned(rings[0], 1), [_turned(ring, -1) for ring in rings[1:]])]
    parts: list[Polygon] = []
    for index in range(geometry.GetGeometryCount()):
        member = geometry.GetGeometryRef(index)
        if member.GetDimension() == 2:
            parts.extend(take_apart(member))
    return parts


def _ring(ring: Any) -> Line:
    return [(x, y) for x, y, *_ in ring.GetPoints()]


def _turned(ring: Line, sign: int) -> Line:
    """Outer rings run counterclockwise, holes clockwise."""
    return ring if signed_area(ring) * sign >= 0 else ring[::-1]


def area(polygons: Iterable[Polygon]) -> float:
    """Square degrees of land, holes taken off."""
    return sum(signed_area(ring) for polygon in polygons for ring in (polygon.outer, *polygon.holes))


def check_area(before: float, parts: Iterable[Polygon], what: str) -> None:
    """Raises JobError when the rings do not hold the area they came from."""
    after = area(parts)
    if abs(after - before) > AREA_TOLERANCE + AREA_TOLERANCE_SHARE * before:
        raise JobError(f"{what}: {before:.9f} square degrees became {after:.9f} on the way; rings were lost")
