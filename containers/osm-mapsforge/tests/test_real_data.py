"""Real extracts, from the folder that LONGSHORE_REAL_DATA names: laid out like Geofabrik's server."""

import os
import unittest

from osm_mapsforge.gshhg import gshhg_file

from .case import Case
from .mirror import Mirror
from .test_job import nosea

DATA = os.environ.get("LONGSHORE_REAL_DATA")


@unittest.skipIf(DATA is None, "SKIPPED: LONGSHORE_REAL_DATA names no folder with real extracts")
class RealData(Case):
    def setUp(self) -> None:
        super().setUp()
        self.mirror = Mirror()
        self.addCleanup(self.mirror.close)
        for folder, _, names in os.walk(DATA):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    # Areas are served from the root that holds `europe/`, wherever it lies in the data folder.
                    self.mirror.files["/" + path[path.index("/europe/") + 1 :] if "/europe/" in path else "/" + name] = file.read()

    def make(self, area: str, **parameters: str):
        ended = self.bench.run(AREA=area, MIRROR=self.mirror.address, **parameters)
        self.assertEqual((ended.code, ended.reason), (0, ""))
        name = area.rsplit("/", 1)[-1]
        return ended, ended.path(f"{name}.map"), ended.report["facts"]["land"][name]

    @unittest.skipIf(gshhg_file() is None, "SKIPPED: GSHHG is not installed")
    def test_liechtenstein_is_land_from_edge_to_edge(self):
        ended, path, land = self.make("europe/liechtenstein")
        self.assertEqual(land["shareOfBox"], 1)
        west, south, east, north = ended.report["boxes"][0]["bbox"]
        self.assertAlmostEqual(nosea(path), (east - west) * (north - south), delta=1e-5)
        self.assertEqual(ended.files, ["liechtenstein.extents.txt", "liechtenstein.map", "liechtenstein.poi"])

    def test_malta_is_its_own_islands_in_the_sea(self):
        _, path, land = self.make("europe/malta")
        self.assertEqual(land["source"], "coastline")
        # 316 km²; one square degree at 35.9° N is 111.32² × cos(35.9°) km².
        self.assertAlmostEqual(nosea(path) * 10038, 316, delta=4)

    @unittest.skipIf(gshhg_file() is None, "SKIPPED: GSHHG is not installed")
    def test_monaco_has_land_in_the_north_and_sea_in_the_south(self):
        ended, path, land = self.make("europe/monaco")
        self.assertEqual(land["source"], "gshhg", "its coast ends inside the box of its .poly")
        west, south, east, north = ended.report["boxes"][0]["bbox"]
        self.assertAlmostEqual(nosea(path), land["shareOfBox"] * (east - west) * (north - south), delta=1e-5)
        # A strip of Riviera at the northern edge of a box of sea.
        self.assertTrue(0.02 < land["shareOfBox"] < 0.06, land)
