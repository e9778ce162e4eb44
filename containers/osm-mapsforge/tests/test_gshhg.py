import unittest

from osm_mapsforge.box import Box
from osm_mapsforge.closing import contains
from osm_mapsforge.gshhg import Gshhg, gshhg_file
from osm_mapsforge.pieces import area, clip, from_polygons


@unittest.skipIf(gshhg_file() is None, "SKIPPED: GSHHG is not installed (apt-get install gmt-gshhg-full)")
class World(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.gshhg = Gshhg(gshhg_file())

    def land(self, *box: float):
        return clip(from_polygons(self.gshhg.land(Box(*box))), Box(*box))

    def is_land(self, longitude: float, latitude: float) -> bool:
        box = (longitude - 0.05, latitude - 0.05, longitude + 0.05, latitude + 0.05)
        inside = [piece for piece in self.land(*box) if contains(piece.outer, (longitude, latitude))]
        return any(not any(contains(hole, (longitude, latitude)) for hole in piece.holes) for piece in inside)

    def test_the_alps_are_all_land(self):
        self.assertAlmostEqual(area(self.land(9.4, 47.0, 9.7, 47.3)), 0.09, places=9)

    def test_the_open_atlantic_is_all_sea(self):
        self.assertEqual(self.land(-30.5, 30.2, -29.5, 30.8), [])

    def test_known_places_are_land_or_sea(self):
        for name, longitude, latitude in (("Valletta", 14.51, 35.897), ("Gozo", 14.24, 36.05), ("Nice", 7.25, 43.72), ("Suva", 178.44, -18.12), ("Taveuni", -179.94, -16.83), ("South Pole", 0.5, -89.5)):
            self.assertTrue(self.is_land(longitude, latitude), name)
        for name, longitude, latitude in (("off Malta", 14.8, 36.2), ("off Monaco", 7.47, 43.68), ("Pacific", 179.9, -10.0), ("Pacific, east", -179.9, -10.0)):
            self.assertFalse(self.is_land(longitude, latitude), name)

    def test_malta_has_its_316_square_kilometres(self):
        # One square degree at 35.9° N is 111.32² × cos(35.9°) km².
        self.assertAlmostEqual(area(self.land(13.9, 35.6, 14.9, 36.3)) * 10038, 316, delta=10)

    def test_a_box_over_many_bins_equals_its_parts(self):
        whole = area(self.land(6.5, 42.5, 9.5, 44.5))
        parts = sum(area(self.land(west, 42.5, west + 1, 44.5)) for west in (6.5, 7.5, 8.5))
        self.assertAlmostEqual(whole, parts, places=9)

    def test_bins_whose_coasts_touch_on_the_edge_are_land_up_to_their_coast(self):
        # One coast ends at the very point of the bin's edge where another starts, after rounding. What is land on one
        # side of that edge is land on the other.
        for west, south in ((-37, -79), (-148, -76), (-64, -66)):
            inside = self.land(west + 0.9999, south, west + 1, south + 1)
            beyond = self.land(west + 1, south, west + 1.0001, south + 1)
            self.assertTrue(0 < area(inside) < 0.0001, (west, south))
            self.assertAlmostEqual(area(inside), area(beyond), delta=2e-7, msg=(west, south))
