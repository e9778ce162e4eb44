import unittest

from osm_mapsforge.box import Box
from osm_mapsforge.closing import OpenCoast, Polygon, clip, close, contains, signed_area

BOX = Box(0, 0, 10, 10)
ISLAND = [(4, 4), (6, 4), (6, 6), (4, 6), (4, 4)]


def area(polygons: list[Polygon]) -> float:
    return sum(signed_area(ring) for polygon in polygons for ring in (polygon.outer, *polygon.holes))


class Closing(unittest.TestCase):
    def test_land_is_on_the_left_of_a_coast_through_the_box(self):
        eastward = [(0, 4), (10, 4)]
        self.assertAlmostEqual(area(close([eastward], BOX, False)), 60)
        self.assertAlmostEqual(area(close([eastward[::-1]], BOX, False)), 40)

    def test_an_island_is_land_and_the_rest_is_sea(self):
        self.assertAlmostEqual(area(close([ISLAND], BOX, False)), 4)

    def test_an_inner_sea_is_a_hole_of_the_land_around_it(self):
        land = close([[(0, 2), (10, 2)], ISLAND[::-1]], BOX, False)
        self.assertEqual([len(polygon.holes) for polygon in land], [1])
        self.assertAlmostEqual(area(land), 80 - 4)

    def test_an_inner_sea_alone_makes_all_else_land(self):
        self.assertAlmostEqual(area(close([ISLAND[::-1]], BOX, False)), 96)

    def test_a_box_without_coast_is_what_it_is_said_to_be(self):
        self.assertAlmostEqual(area(close([], BOX, True)), 100)
        self.assertEqual(close([], BOX, False), [])

    def test_two_coasts_make_a_strait_between_two_lands(self):
        land = close([[(0, 6), (10, 6)], [(10, 4), (0, 4)]], BOX, False)
        self.assertEqual(len(land), 2)
        self.assertAlmostEqual(area(land), 80)

    def test_coasts_that_touch_on_the_edge_are_told_apart_by_whose_turn_it_is(self):
        # Two capes at the eastern edge; the northern one ends where the southern one begins.
        southern, northern = [(10, 5), (8, 4), (10, 3)], [(10, 7), (8, 6), (10, 5)]
        for lines in ([southern, northern], [northern, southern]):
            self.assertAlmostEqual(area(close(lines, BOX, False)), 2 + 2)
            self.assertAlmostEqual(area(close([line[::-1] for line in lines], BOX, False)), 100 - 4)

    def test_two_coasts_make_an_isthmus_between_two_seas(self):
        land = close([[(0, 4), (10, 4)], [(10, 6), (0, 6)]], BOX, False)
        self.assertEqual(len(land), 1)
        self.assertAlmostEqual(area(land), 20)

    def test_a_cape_that_enters_and_leaves_on_one_side(self):
        self.assertAlmostEqual(area(close([[(4, 0), (4, 3), (6, 3), (6, 0)]], BOX, False)), 100 - 6)
        self.assertAlmostEqual(area(close([[(6, 0), (6, 3), (4, 3), (4, 0)]], BOX, False)), 6)

    def test_a_coast_that_ends_inside_the_box_is_refused(self):
        with self.assertRaisesRegex(OpenCoast, "4.00000 5.00000"):
            close([[(0, 4), (5, 4)]], BOX, False)

    def test_two_coasts_that_contradict_each_other_are_refused(self):
        with self.assertRaises(OpenCoast):
            close([[(0, 4), (10, 4)], [(0, 6), (10, 6)]], BOX, False)


class Clipping(unittest.TestCase):
    def test_a_line_through_the_box_gets_ends_exactly_on_its_edge(self):
        self.assertEqual(clip([(-5, 3), (15, 3)], BOX), [[(0, 3), (10, 3)]])

    def test_a_line_that_leaves_and_comes_back_becomes_two(self):
        self.assertEqual(len(clip([(1, 1), (1, 12), (3, 12), (3, 1)], BOX)), 2)

    def test_a_ring_cut_at_the_edge_stays_one_line_whatever_its_first_point(self):
        ring = [(8, 4), (12, 4), (12, 6), (8, 6)]
        for first in range(4):
            turned = ring[first:] + ring[:first]
            lines = clip([*turned, turned[0]], BOX)
            self.assertEqual(len(lines), 1, turned)
            self.assertAlmostEqual(area(close(lines, BOX, False)), 4, msg=str(turned))

    def test_a_line_outside_leaves_nothing(self):
        self.assertEqual(clip([(11, 0), (12, 10)], BOX), [])

    def test_points_are_inside_or_not(self):
        self.assertTrue(contains(ISLAND, (5, 5)))
        self.assertFalse(contains(ISLAND, (7, 5)))
