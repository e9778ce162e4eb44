import contextlib
import io
import math
import os
import random
import unittest
from unittest import mock

from osm_mapsforge import writer
from osm_mapsforge.box import Box
from osm_mapsforge.prepare import prepared_folder
from osm_mapsforge.styles import styles_folder
from osm_mapsforge.workspace import Workspace
from osm_mapsforge.writer import WriterJob, write_map

from .case import Case
from .handler import write_pbf
from .map_reader import MapReader

REAL = os.environ.get("LONGSHORE_REAL_DATA")
BOX = Box(10, 50, 10.2, 50.2)


def shapes() -> str:
    """A thousand ways of all kinds, most inside a tile (0.02° at zoom 14), some over its edge; the same every time."""
    numbers = random.Random(1)
    nodes: list[str] = []
    ways: list[str] = []

    def node(x: float, y: float) -> int:
        nodes.append(f"n{len(nodes) + 1} v1 x{min(max(x, 10), 10.2):.7f} y{min(max(y, 50), 50.2):.7f}")
        return len(nodes)

    def way(tags: str, refs: list[int]) -> None:
        ways.append(f"w{len(ways) + 1} v1 T{tags} N{','.join(f'n{ref}' for ref in refs)}")

    for index in range(1000):
        x, y, size = numbers.uniform(10, 10.2), numbers.uniform(50, 50.2), numbers.choice((0.0005, 0.002, 0.02))
        if index % 2:
            turn = numbers.choice((-1, 1))  # rings run both ways
            angles = [turn * 2 * math.pi * step / 9 for step in range(9)]
            reach = [size * numbers.uniform(0.3, 1) for _ in angles]
            ring = [node(x + r * math.cos(a), y + r * math.sin(a)) for a, r in zip(angles, reach)]
            if index % 10 == 1:
                ring[4], ring[5] = ring[5], ring[4]  # and some cross themselves
            ring.insert(3, node(x + reach[2] * math.cos(angles[2]), y + reach[2] * math.sin(angles[2])))  # a point twice
            way(numbers.choice(("building=yes", "natural=water", "landuse=forest")), [*ring, ring[0]])
        else:
            line = [node(x + numbers.uniform(-size, size), y + numbers.uniform(-size, size)) for _ in range(numbers.choice((2, 3, 8)))]
            if index % 8 == 0:
                line.append(line[0])  # closed, and no area
            if index % 12 == 0:
                line.append(line[len(line) // 2])  # ends on itself
            way("highway=residential", line)
    return "\n".join([*nodes, *ways]) + "\n"


@unittest.skipIf(prepared_folder() is None, "SKIPPED: no prepared folder with the short cut, as images have one")
class Overlay(Case):
    def write(self, source: str, overlay: str, box: Box) -> tuple[bytes, str]:
        """The map's bytes but for its date, and where its JVM took the overlay from."""
        target, log = (os.path.join(self.bench.scratch, name) for name in ("a.map", "classes.log"))
        mapping, transform = (os.path.join(styles_folder(), f"bike.{kind}.xml") for kind in ("mapping", "transform"))
        job = WriterJob(source, target, box, "ram", 2, (), mapping, transform, False, None, 500)
        place = Workspace(self.bench.input, self.bench.output, self.bench.scratch, None)
        options = writer.jvm_options
        logged = lambda *given: [*options(*given), f"-Xlog:class+load:file={log}"]  # noqa: E731
        with mock.patch.dict(os.environ, {"OSM_MAPSFORGE_OVERLAY": overlay}), mock.patch.object(writer, "jvm_options", logged):
            with contextlib.redirect_stdout(io.StringIO()):
                write_map(job, place)
        with open(target, "rb") as file:
            content = file.read()
        with open(log, encoding="utf-8", errors="replace") as file:
            loaded = next(line for line in file if "org.locationtech.jts.geom.GeometryOverlay source" in line)
        return content[:36] + content[44:], loaded

    def assert_same_map(self, source: str, box: Box) -> None:
        ours, from_ours = self.write(source, "shortcut", box)
        theirs, from_theirs = self.write(source, "old", box)
        self.assertRegex(from_ours, "shared objects file|tile-overlay.jar")
        self.assertRegex(from_theirs, "jts-core")
        self.assertTrue(ours == theirs, f"{source}: the maps differ")

    def test_ways_that_are_not_cut_come_out_as_if_they_were(self):
        source = os.path.join(self.bench.scratch, "shapes.osm.pbf")
        write_pbf(source, shapes(), box=None)
        self.assert_same_map(source, BOX)
        reader = MapReader(os.path.join(self.bench.scratch, "a.map"), 14)
        self.assertGreater(sum(len(list(reader.ways(x, y))) for x, y in reader.tiles()), 900)

    @unittest.skipIf(REAL is None, "SKIPPED: LONGSHORE_REAL_DATA names no folder with real extracts")
    def test_maps_of_real_extracts_are_the_same_to_the_byte(self):
        areas = {"liechtenstein": Box(9.4, 47, 9.7, 47.3), "monaco": Box(7.4, 43.5, 7.6, 43.8), "malta": Box(13.9, 35.6, 14.9, 36.3)}
        for area, box in areas.items():
            with self.subTest(area):
                self.assert_same_map(os.path.join(REAL, "europe", f"{area}-latest.osm.pbf"), box)
