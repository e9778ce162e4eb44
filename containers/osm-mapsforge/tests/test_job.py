import os
import signal
import subprocess
import time
import unittest

from osgeo import ogr

from osm_mapsforge.box import Box
from osm_mapsforge.closing import Polygon
from osm_mapsforge.mapfile import read_header
from osm_mapsforge.pieces import area, clip, from_polygons

from .case import Case
from .handler import COMMAND, ISLAND_AREA, island, write_pbf
from .map_reader import MapReader, corner_of


def nosea(path: str, base: int = 14) -> float:
    """Land in a map, in square degrees, holes taken off: summed over the tiles of a zoom interval.

    The writer lets the shapes of a tile reach a little into its neighbours; that margin is cut off first.
    """
    reader = MapReader(path, base)
    total = 0.0
    for x, y in reader.tiles():
        (west, north), (east, south) = corner_of(x, y, base), corner_of(x + 1, y + 1, base)
        tile = Box(west, south, east, north)
        shapes = [Polygon(outer, holes) for way in reader.ways(x, y) if "natural=nosea" in way.tags for outer, *holes in way.blocks]
        total += area(clip(from_polygons(shapes), tile))
    return total


class Job(Case):
    def drop(self, name: str = "island.osm.pbf", opl: str | None = None, **how) -> str:
        path = os.path.join(self.bench.input, name)
        write_pbf(path, opl or island(), **how)
        return path

    def drop_bytes(self, content: bytes) -> None:
        with open(os.path.join(self.bench.input, "island.osm.pbf"), "wb") as file:
            file.write(content)

    def assert_made(self, ended) -> None:
        self.assertEqual((ended.code, ended.reason), (0, ""))

    def assert_refused(self, ended, reason: str) -> None:
        self.assertEqual(ended.code, 65, ended.stderr)
        self.assertRegex(ended.reason, reason)
        self.assertEqual(os.listdir(ended.output), [])


class Maps(Job):
    def test_a_dropped_file_becomes_a_map_with_its_extents(self):
        self.drop()
        ended = self.bench.run(COMMENT="made by a test", LANGUAGES="en,de")
        self.assert_made(ended)
        header = read_header(ended.path("island.map"))
        self.assertEqual((header.box.as_list(), header.comment, header.languages), ([10, 50, 11, 51], "made by a test", "en,de"))
        with open(ended.path("island.extents.txt"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertEqual(lines[:3], ["map: island.map", "west: 10.000000", "south: 50.000000"])
        self.assertEqual(os.listdir(self.bench.scratch), [], "scratch is left clean")

    def test_land_in_the_map_is_the_land_of_the_coast_and_the_inner_sea_stays_sea(self):
        self.drop()
        for kind in ("ram", "hd"):
            ended = self.bench.run(LAND="coastline", TYPE=kind)
            self.assert_made(ended)
            # Tiles are stored in microdegrees: an edge of one degree moves the area by a millionth.
            self.assertAlmostEqual(nosea(ended.path("island.map")), ISLAND_AREA, delta=1e-5, msg=kind)

    def test_a_land_file_that_the_box_cuts_into_a_multipolygon_keeps_all_its_rings(self):
        self.drop()
        path = os.path.join(self.bench.input, "land.gpkg")
        layer_of = ogr.GetDriverByName("GPKG").CreateDataSource(path)
        layer = layer_of.CreateLayer("land", geom_type=ogr.wkbPolygon)
        comb = "POLYGON((10.1 49,10.9 49,10.9 50.9,10.7 50.9,10.7 49.5,10.6 49.5,10.6 50.9,10.4 50.9,10.4 49.5,10.3 49.5,10.3 50.9,10.1 50.9,10.1 49),(10.15 50.2,10.15 50.6,10.25 50.6,10.25 50.2,10.15 50.2))"
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromWkt(comb))
        layer.CreateFeature(feature)
        expected = feature.GetGeometryRef().Intersection(ogr.CreateGeometryFromWkt("POLYGON((10 50,11 50,11 51,10 51,10 50))")).GetArea()
        del feature, layer, layer_of
        ended = self.bench.run(LAND="land.gpkg")
        self.assert_made(ended)
        self.assertAlmostEqual(nosea(ended.path("island.map")), expected, delta=1e-5)
        self.assertEqual(ended.report["facts"]["land"]["island"]["polygons"], 3)

    def test_without_osmdata_the_own_coast_is_taken_with_a_warning_and_a_fact(self):
        # GSHHG knows this box as all land, so the made-up coast would be doubted: it is out of the way here.
        self.drop()
        ended = self.bench.run(LONGSHORE_CACHE=self.bench.cache, OSM_MAPSFORGE_GSHHG="/nonexistent")
        self.assert_made(ended)
        self.assertEqual(ended.report["facts"]["land"]["island"]["source"], "coastline")
        self.assertIn(("warn", "Land:Source:Fallback"), [(event["level"], event["event"]) for event in ended.events])
        self.assertTrue(os.path.exists(os.path.join(self.bench.cache, "osm-mapsforge", "osmdata-unreachable")))

    def test_unsorted_input_is_sorted_and_gives_the_same_map(self):
        self.drop("sorted.osm.pbf")
        lines = island().splitlines()
        sorted_map = self.bench.run(LAND="coastline")
        self.assert_made(sorted_map)
        expected = nosea(sorted_map.path("sorted.map"))
        os.unlink(os.path.join(self.bench.input, "sorted.osm.pbf"))
        self.drop("mixed.osm.pbf", "\n".join(reversed(lines)) + "\n", sort=False)
        ended = self.bench.run(LAND="coastline")
        self.assert_made(ended)
        self.assertIn("Source:Sort:Start", [event["event"] for event in ended.events])
        self.assertAlmostEqual(nosea(ended.path("mixed.map")), expected, places=9)

    def test_bounds_missing_in_the_header_come_from_the_data(self):
        self.drop(box=None)
        ended = self.bench.run(SKIP_MAP="true")
        self.assert_made(ended)
        self.assertEqual(ended.report["boxes"][0]["bbox"], [10.2, 50.2, 10.8, 50.8])

    def test_bounds_all_around_the_globe_become_a_map_on_each_side_of_the_180th_meridian(self):
        # An islet that the meridian cuts, as real coasts are cut there.
        opl = """n1 v1 x179.2 y-16.8
n2 v1 x180 y-16.8
n3 v1 x180 y-16.2
n4 v1 x179.2 y-16.2
n5 v1 x-180 y-16.8
n6 v1 x-179.4 y-16.8 Tamenity=cafe
n7 v1 x-179.4 y-16.2
n8 v1 x-180 y-16.2
w1 v1 Tnatural=coastline Nn3,n4,n1,n2
w2 v1 Tnatural=coastline Nn5,n6,n7,n8
"""
        for box in ("-180,-17,180,-16", None):
            self.drop("fiji.osm.pbf", opl, box=box)
            ended = self.bench.run(LAND="coastline")
            self.assert_made(ended)
            south, north = (-17, -16) if box else (-16.8, -16.2)
            asked = [{"name": "fiji-1", "bbox": [179.2, south, 180, north]}, {"name": "fiji-2", "bbox": [-180, south, -179.4, north]}]
            self.assertEqual(ended.report["boxes"], asked)
            self.assertEqual(ended.files, ["fiji-1.map", "fiji-1.poi", "fiji-2.map", "fiji-2.poi", "fiji.extents.txt"])
            for name, width in (("fiji-1", 0.8), ("fiji-2", 0.6)):
                self.assertAlmostEqual(nosea(ended.path(f"{name}.map")), width * 0.6, delta=1e-5, msg=f"{name} {box}")
            for name in ended.files:
                os.unlink(ended.path(name))

    def test_bounds_from_the_westernmost_to_the_easternmost_node_are_two_boxes_when_only_the_sides_of_the_180th_meridian_have_data(self):
        self.drop("fiji.osm.pbf", "n1 v1 x179.2 y-17\nn2 v1 x-179.4 y-16\n", box="-179.4,-17,179.2,-16")
        boxes = self.bench.run(SKIP_MAP="true").report["boxes"]
        self.assertEqual([box["bbox"] for box in boxes], [[179.2, -17, 180, -16], [-180, -17, -179.4, -16]])

    def test_wide_bounds_hold_where_data_is_all_over_them(self):
        nodes = "".join(f"n{number} v1 x{number * 40 - 180} y50\n" for number in range(1, 9))
        self.drop("wide.osm.pbf", nodes, box="-150,40,150,60")
        self.assertEqual(self.bench.run(SKIP_MAP="true").report["boxes"], [{"name": "wide", "bbox": [-150, 40, 150, 60]}])

    def test_a_million_tiles_of_sea_are_written_as_larger_ones(self):
        self.drop("ocean.osm.pbf", "n1 v1 x-120 y60 Tseamark:type=buoy_lateral\n", box="-140,55,-115,66")
        ended = self.bench.run(SKIP_POI="true", LAND="coastline")
        self.assertEqual((ended.code, ended.reason), (0, ""))
        header = read_header(ended.path("ocean.map"))
        self.assertEqual([(part.base, part.lowest, part.highest) for part in header.sub_files], [(5, 0, 7), (10, 8, 11), (12, 12, 21)])

    def test_the_same_input_gives_the_same_bytes_but_for_the_date(self):
        self.drop()
        maps = []
        for _ in range(2):
            ended = self.bench.run(LAND="coastline")
            with open(ended.path("island.map"), "rb") as file:
                content = file.read()
            maps.append(content[:36] + content[44:])
        self.assertEqual(maps[0], maps[1])


class BadInput(Job):
    def test_an_empty_file(self):
        self.drop_bytes(b"")
        self.assert_refused(self.bench.run(), "island.osm.pbf is empty")

    def test_text_named_pbf(self):
        self.drop_bytes(b"this is no map\n" * 100)
        self.assert_refused(self.bench.run(), "island.osm.pbf is not an OSM PBF file")

    def test_a_truncated_file(self):
        with open(self.drop(), "rb") as file:
            content = file.read()
        self.drop_bytes(content[:-20])
        self.assert_refused(self.bench.run(), "island.osm.pbf is truncated")

    def test_damage_inside_a_block(self):
        with open(self.drop(), "rb") as file:
            content = bytearray(file.read())
        content[-60:-50] = b"\0" * 10
        self.drop_bytes(bytes(content))
        self.assert_refused(self.bench.run(LAND="coastline"), "island.osm.pbf (can't be read|is damaged)")

    def test_ids_of_objects_that_were_never_uploaded(self):
        self.drop("drawn.osm.pbf", "n-1 v1 x10.2 y50.2 Tamenity=cafe\nn-2 v1 x10.4 y50.4\n")
        self.assert_refused(self.bench.run(LAND="coastline"), "drawn.osm.pbf has objects out of order, .* or with negative ids")

    def test_no_input_and_no_area(self):
        self.assert_refused(self.bench.run(), "must hold one .osm.pbf file, or AREA must name an area")

    def test_a_bad_parameter(self):
        self.drop()
        self.assert_refused(self.bench.run(TYPE="disk"), "bad parameter TYPE=“disk”: give one of ram, hd")

    def test_a_style_that_is_not_there_or_not_a_style(self):
        self.drop()
        self.assert_refused(self.bench.run(TAG_MAPPING="car"), "TAG_MAPPING=“car”: give one of bike, default")
        with open(os.path.join(self.bench.input, "my.xml"), "w", encoding="utf-8") as file:
            file.write("<rendertheme/>")
        self.assert_refused(self.bench.run(TAG_TRANSFORM="my.xml"), "its root is <rendertheme>")

    def test_a_coast_that_does_not_close_is_refused_when_it_was_asked_for(self):
        self.drop(opl=island().replace("Nn1,n2,n3,n4,n1", "Nn1,n2,n3"))
        self.assert_refused(self.bench.run(LAND="coastline"), "a coastline ends at .* inside the box")

    def test_a_land_file_that_is_not_there(self):
        self.drop()
        self.assert_refused(self.bench.run(LAND="/nonexistent/land.fgb"), "LAND=/nonexistent/land.fgb can't be opened")


def big_country() -> str:
    """Enough houses to be more than a heap of 64 MiB holds."""
    lines = [f"n{index} v1 x{10 + index % 300 / 300:.6f} y{50 + index // 300 / 300:.6f} Tname=Number%20%{index}" for index in range(1, 90_001)]
    lines += [f"w{index} v1 Thighway=residential,name=Road%20%{index} Nn{index},n{index + 1},n{index + 301}" for index in range(1, 80_001)]
    return "\n".join(lines) + "\n"


class Resources(Job):
    def test_too_small_a_heap_ends_as_out_of_memory(self):
        self.drop(opl=big_country())
        ended = self.bench.run(LAND="coastline", LONGSHORE_MEMORY_MIB="100")
        self.assertEqual(ended.code, 137, ended.stderr)
        self.assertRegex(ended.reason, "^out of memory: TYPE=ram with a heap of 64 MiB .*take TYPE=hd or give the job more memory")
        self.assertEqual(os.listdir(ended.output), [])

    def test_a_writer_killed_from_outside_is_never_a_success(self):
        self.drop(opl=big_country())
        process = self.bench.start(LAND="coastline")
        os.kill(wait_for_java(process.pid), signal.SIGKILL)
        _, stderr = process.communicate(timeout=60)
        # Whether the kernel did it for memory is read from the cgroup's counter, where there is one.
        self.assertIn(process.returncode, (1, 137), stderr)
        self.assertRegex(stderr.strip().splitlines()[-1], "killed")
        self.assertEqual(os.listdir(self.bench.output), [])

    def test_sigterm_ends_everything_also_a_writer_that_hears_nothing(self):
        self.drop(opl=big_country())
        process = self.bench.start(LAND="coastline")
        java = wait_for_java(process.pid)
        os.kill(java, signal.SIGSTOP)  # as deaf as a JVM in endless collection
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertTrue(gone(java), "java is gone")
        self.assertEqual(os.listdir(self.bench.output), [])
        self.assertEqual(os.listdir(self.bench.scratch), [])

    def test_when_the_handler_itself_is_killed_nothing_goes_on(self):
        self.drop(opl=big_country())
        process = self.bench.start(LAND="coastline")
        java = wait_for_java(process.pid)
        process.kill()
        process.communicate(timeout=20)
        self.assertTrue(gone(java), "java is gone")

    @unittest.skipIf("LONGSHORE_SMALL_DISK" not in os.environ, "SKIPPED: LONGSHORE_SMALL_DISK names no disk of about 1 MB")
    def test_a_full_disk_is_named_with_the_bytes_free(self):
        small = os.environ["LONGSHORE_SMALL_DISK"]
        self.drop(opl=big_country())
        self.bench.output = os.path.join(small, "out")
        os.makedirs(self.bench.output, exist_ok=True)
        for parameters in ({}, {"TMPDIR": small}):
            ended = self.bench.run(LAND="coastline", **parameters)
            self.assertEqual(ended.code, 1, ended.stderr)
            self.assertRegex(ended.reason, rf"^disk full \(output {small}/out: \d+ bytes free, scratch .* bytes free\)")
            self.assertEqual(os.listdir(ended.output), [])


class Tools(Job):
    def test_what_is_missing_on_a_machine_is_named_with_the_command_to_install_it(self):
        environment = self.bench.environment(OSM_MAPSFORGE_JARS="/nonexistent")
        done = subprocess.run([*COMMAND, "--check-tools"], env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("jar: mapsforge-map-writer", done.stdout)
        self.assertIn("apt-get install --no-install-recommends libmapsforge-java osmosis", done.stdout)

    def test_here_nothing_is_missing(self):
        done = subprocess.run([*COMMAND, "--check-tools"], env=self.bench.environment(), capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, '"missing": []' in done.stdout), (0, True), done.stdout)


def wait_for_java(handler: int) -> int:
    """The process id of the JVM that a handler started, once it runs."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for child in descendants(handler):
            if name_of(child) == "java":
                return child
        time.sleep(0.02)
    raise AssertionError("no java was started")


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            found += [int(entry), *descendants(int(entry))]
    return found


def name_of(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def gone(pid: int) -> bool:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True  # dead; its adopter has not asked yet
        except OSError:
            return True
        time.sleep(0.05)
    return False


