import os
import unittest

import numpy

from osm_mapsforge.box import Box
from osm_mapsforge.errors import BadInput
from osm_mapsforge.extent import Extent, data_boxes, goes_round
from osm_mapsforge.pbf import read_pbf

from .case import Case
from .handler import write_pbf

ROUND = Box(-180, -50, 180, 10)


def boxes_of(*longitudes: float, told: Box | None = ROUND) -> list[list[float]]:
    """The boxes of nodes at these longitudes, half of them at 20° S and half at 10° S."""
    extent = Extent()
    for latitude in (-20.0, -10.0):
        extent.add(numpy.array(longitudes), numpy.full(len(longitudes), latitude))
    return [box.as_list() for box in extent.boxes(told)]


class Gaps(unittest.TestCase):
    def test_data_on_both_sides_of_the_180th_meridian_has_two_boxes(self):
        self.assertEqual(boxes_of(177.25, 179.9, -179.8, -178.5), [[177.25, -50, 180, 10], [-180, -50, -178.5, 10]])

    def test_data_on_one_side_has_one_box_whatever_the_header_says(self):
        self.assertEqual(boxes_of(177.25, 179.9), [[177.25, -50, 179.9, 10]])
        self.assertEqual(boxes_of(-179.9, -178.25), [[-179.9, -50, -178.25, 10]])

    def test_data_all_around_has_one_box_from_end_to_end(self):
        self.assertEqual(boxes_of(*range(-175, 176, 5)), [[-175, -50, 175, 10]])

    def test_a_gap_counts_from_a_quarter_of_the_globe_on(self):
        everywhere = [*range(-175, 1, 5)]
        self.assertEqual(len(boxes_of(*everywhere, *range(90, 180, 5))), 2)
        self.assertEqual(len(boxes_of(*everywhere, *range(89, 180, 5))), 1)

    def test_a_gap_over_the_meridian_that_is_wider_keeps_one_box(self):
        self.assertEqual(boxes_of(-70.0, 40.0), [[-70, -50, 40, 10]])

    def test_a_node_on_the_meridian_makes_no_box_of_no_width(self):
        self.assertEqual(boxes_of(177.0, 179.0, -180.0), [[177, -50, 180, 10]])
        self.assertEqual(boxes_of(180.0, -179.0, -177.0), [[-180, -50, -177, 10]])

    def test_places_off_the_globe_are_no_places(self):
        self.assertEqual(boxes_of(10.0, 11.0, 214.7), [[10, -50, 11, 10]])

    def test_without_bounds_in_the_header_south_and_north_are_the_data_s(self):
        self.assertEqual(boxes_of(10.0, 11.0, told=None), [[10, -20, 11, -10]])

    def test_bounds_go_round_when_they_leave_less_than_a_degree(self):
        self.assertTrue(goes_round(Box(-180, -20, 179.9999999, -10)))
        self.assertFalse(goes_round(Box(-180, -20, 178, -10)))


class Files(Case):
    def file(self, opl: str, **how) -> tuple[str, str, None, bool]:
        path = os.path.join(self.bench.scratch, "a.osm.pbf")
        write_pbf(path, opl, box=None, **how)
        return path, "a.osm.pbf", None, read_pbf(path, "a.osm.pbf").sorted

    def test_nodes_behind_ways_are_found_in_a_file_that_is_not_sorted(self):
        mixed = "n1 v1 x10 y50\nw1 v1 Thighway=path Nn1,n2\nn2 v1 x11.25 y51.125\n"
        self.assertEqual(data_boxes(*self.file(mixed, sort=False)), [Box(10, 50, 11.25, 51.125)])

    def test_nodes_at_the_poles_and_on_the_180th_meridian_are_found(self):
        corners = "n1 v1 x-180 y-90\nn2 v1 x180 y90\n"
        between = "".join(f"n{at + 3} v1 x{at * 80 - 100} y0\n" for at in range(4))
        self.assertEqual(data_boxes(*self.file(corners + between)), [Box(-180, -90, 180, 90)])

    def test_a_file_whose_nodes_lie_at_one_place_is_refused(self):
        with self.assertRaisesRegex(BadInput, "a.osm.pbf holds no extent that a map can be made of .*; set BBOX"):
            data_boxes(*self.file("n1 v1 x10 y50\n"))

    def test_a_file_without_nodes_is_refused(self):
        with self.assertRaisesRegex(BadInput, "no nodes"):
            data_boxes(*self.file("w1 v1 Thighway=path Nn1,n2\n"))
