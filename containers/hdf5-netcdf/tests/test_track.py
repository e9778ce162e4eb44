"""Boxes and tracks on a round Earth."""

import unittest

import numpy as np

from .case import START, Case, sample  # noqa: F401  (puts the handler on the path)

from hdf5_netcdf.track import boxes, track  # noqa: E402


class Boxes(unittest.TestCase):
    def test_a_plain_box(self) -> None:
        self.assertEqual(boxes(np.array([10.0, 20.0]), np.array([-75.0, -70.0])), [[-75.0, 10.0, -70.0, 20.0]])

    def test_across_the_180th_meridian_there_are_two(self) -> None:
        for longitude in ([178.0, 179.5, -179.5, -178.0], [-178.0, -179.5, 179.5, 178.0], [178.0, 179.5, 180.5, 182.0]):
            self.assertEqual(boxes(np.array([1.0, 2.0, 3.0, 4.0]), np.array(longitude)),
                             [[178.0, 1.0, 180.0, 4.0], [-180.0, 1.0, -178.0, 4.0]])

    def test_longitudes_of_0_to_360_are_turned(self) -> None:
        self.assertEqual(boxes(np.array([1.0, 2.0]), np.array([285.0, 290.0])), [[-75.0, 1.0, -70.0, 2.0]])

    def test_to_the_meridian_and_not_over_it(self) -> None:
        self.assertEqual(boxes(np.array([1.0, 2.0]), np.array([170.0, 180.0])), [[170.0, 1.0, 180.0, 2.0]])

    def test_around_the_earth(self) -> None:
        self.assertEqual(boxes(np.zeros(5), np.array([0.0, 100.0, 200.0, 300.0, 0.0])), [[-180.0, 0.0, 180.0, 0.0]])

    def test_a_track_has_its_ends_and_few_points(self) -> None:
        longitude = np.linspace(170, 190, 1000)
        points = track(np.linspace(0, 10, 1000), longitude)
        self.assertEqual((len(points), points[0], points[-1]), (64, [170.0, 0.0], [-170.0, 10.0]))
        self.assertEqual(len(track(np.zeros(1), np.zeros(1))), 1)


class Across(Case):
    def test_a_flight_over_the_180th_meridian(self) -> None:
        self.granule(base=sample.atb(START, 8, west=179.992))
        made = self.convert()
        west, east = (box for box in self.told()["boxes"])
        self.assertEqual((west[2], east[0]), (180.0, -180.0))
        self.assertGreater(made.geospatial_lon_min, made.geospatial_lon_max)
