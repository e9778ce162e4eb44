import unittest

from osgeo import ogr

from osm_mapsforge.box import Box
from osm_mapsforge.closing import Polygon
from osm_mapsforge.errors import JobError
from osm_mapsforge.pieces import area, check_area, clip, from_polygons, take_apart

BOX = Box(0, 0, 10, 10)
# A comb: three teeth reach into the box, its back lies outside. Cut to the box it is three polygons.
COMB = "POLYGON((-2 -2,12 -2,12 5,9 5,9 -1,6 -1,6 5,4 5,4 -1,1 -1,1 5,-2 5,-2 -2))"
# A frame around a lake, in two parts, one of them with two holes.
FRAMES = "MULTIPOLYGON(((1 1,9 1,9 5,1 5,1 1),(2 2,3 2,3 3,2 3,2 2),(5 2,6 2,6 3,5 3,5 2)),((1 6,15 6,15 9,1 9,1 6),(4 7,12 7,12 8,4 8,4 7)))"


def geometry(wkt: str) -> ogr.Geometry:
    return ogr.CreateGeometryFromWkt(wkt)


class Pieces(unittest.TestCase):
    def inside(self, wkt: str) -> float:
        """The area in the box, by GEOS alone."""
        return geometry(wkt).Intersection(geometry("POLYGON((0 0,10 0,10 10,0 10,0 0))")).GetArea()

    def test_a_clip_that_yields_several_polygons_keeps_them_all(self):
        pieces = clip([geometry(COMB)], BOX)
        self.assertEqual(len(pieces), 3)
        self.assertAlmostEqual(area(pieces), self.inside(COMB), places=9)

    def test_holes_and_parts_of_multipolygons_are_kept(self):
        pieces = clip([geometry(FRAMES)], BOX)
        self.assertEqual(sorted(len(piece.holes) for piece in pieces), [0, 2])
        self.assertAlmostEqual(area(pieces), self.inside(FRAMES), places=9)

    def test_land_inside_the_box_is_not_touched(self):
        pieces = clip([geometry("POLYGON((1 1,9 1,9 9,1 9,1 1),(3 3,3 4,4 4,4 3,3 3))")], BOX)
        self.assertEqual((len(pieces), len(pieces[0].holes)), (1, 1))
        self.assertAlmostEqual(area(pieces), 63)

    def test_land_around_the_box_fills_it(self):
        self.assertAlmostEqual(area(clip([geometry("POLYGON((-9 -9,20 -9,20 20,-9 20,-9 -9))")], BOX)), 100)

    def test_a_ring_that_crosses_itself_is_mended_and_not_dropped(self):
        self.assertAlmostEqual(area(clip([geometry("POLYGON((1 1,5 5,5 1,1 5,1 1))")], BOX)), 8)

    def test_land_that_only_touches_the_box_leaves_nothing(self):
        self.assertEqual(clip([geometry("POLYGON((10 0,12 0,12 5,10 5,10 0))")], BOX), [])

    def test_a_collection_with_a_multipolygon_inside_gives_all_of_it(self):
        pieces = take_apart(geometry(f"GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1),{FRAMES})"))
        self.assertAlmostEqual(area(pieces), geometry(FRAMES).GetArea(), places=9)

    def test_a_lost_ring_is_an_error(self):
        pieces = take_apart(geometry(FRAMES))
        with self.assertRaisesRegex(JobError, "rings were lost"):
            check_area(geometry(FRAMES).GetArea(), pieces[:1], "land")

    def test_polygons_survive_the_way_to_gdal_and_back(self):
        polygon = Polygon([(0, 0), (9, 0), (9, 9), (0, 9), (0, 0)], [[(1, 1), (1, 2), (2, 2), (2, 1), (1, 1)]])
        self.assertAlmostEqual(area(clip(from_polygons([polygon]), BOX)), 80)
