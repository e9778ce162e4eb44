import unittest

from osm_mapsforge.box import Box
from osm_mapsforge.zooms import SPARSE, tiles_of, zoom_intervals

MB = 1_000_000


class Zooms(unittest.TestCase):
    def test_tiles_are_counted_as_far_as_the_projection_goes(self):
        self.assertEqual(round(tiles_of(Box(-180, -85.0511287798, 180, 85.0511287798))), 2**28)
        self.assertEqual(tiles_of(Box(-180, -90, 180, 90)), tiles_of(Box(-180, -85.0511287798, 180, 85.0511287798)))
        self.assertEqual(tiles_of(Box(0, 86, 10, 89)), 0)

    def test_a_small_area_has_the_writer_s_own_tiles_however_empty(self):
        self.assertIsNone(zoom_intervals(Box(-140, -30, -130, -20), 100))

    def test_a_large_area_with_much_in_it_has_the_writer_s_own_tiles(self):
        self.assertIsNone(zoom_intervals(Box(60, 49, 120, 82), 300 * MB))

    def test_a_large_area_with_little_in_it_has_larger_ones(self):
        for name, box, data in (
            ("Antarctica", Box(-180, -90, 180, -60), 80 * MB),
            ("Greenland", Box(-74.1, 59, -8, 84), 60 * MB),
            ("sea", Box(-160, -30, -130, 0), 1 * MB),
        ):
            with self.subTest(name=name):
                self.assertEqual(zoom_intervals(box, data), SPARSE)
