import hashlib
import os

from .case import Case
from .handler import island, write_pbf
from .mirror import Mirror

POLY = "island\n1\n 10 50\n 11 50\n 11 51\n 10 51\n 10 50\nEND\nEND\n"
TWO_SIDES = "fiji\n1\n 179 -17\n 180 -17\n 180 -16\n 179 -16\nEND\n2\n -180 -17\n -179 -17\n -179 -16\n -180 -16\nEND\nEND\n"


class Area(Case):
    """Jobs by AREA, from a mirror laid out like Geofabrik's."""

    def setUp(self) -> None:
        super().setUp()
        self.mirror = Mirror()
        self.addCleanup(self.mirror.close)
        path = os.path.join(self.bench.scratch, "island.osm.pbf")
        write_pbf(path, island(), box=None)
        with open(path, "rb") as file:
            self.extract = file.read()

    def run_area(self, area: str = "europe/island", *options: str, **parameters: str):
        return self.bench.run(*options, AREA=area, MIRROR=self.mirror.address, LAND="coastline", **parameters)

    def test_an_area_is_fetched_checked_and_made_with_the_bounds_of_its_poly(self):
        self.mirror.add_area("europe/island", self.extract, POLY)
        ended = self.run_area()
        self.assertEqual((ended.code, ended.reason), (0, ""))
        self.assertIn("island.map", ended.files)
        source = ended.report["sources"][0]
        self.assertEqual(source["uri"], f"{self.mirror.address}/europe/island-latest.osm.pbf")
        self.assertEqual(source["md5"], hashlib.md5(self.extract).hexdigest())
        self.assertEqual(source["sha256"], hashlib.sha256(self.extract).hexdigest())
        self.assertEqual(ended.report["boxes"], [{"name": "island", "bbox": [10, 50, 11, 51]}])

    def test_what_was_fetched_before_is_not_fetched_again(self):
        self.mirror.add_area("europe/island", self.extract, POLY)
        fetched = self.run_area("europe/island", "--fetch")
        self.assertEqual((fetched.code, fetched.reason, fetched.files), (0, "", []))
        asked = len(self.mirror.asked)
        self.mirror.files.clear()
        ended = self.run_area()
        self.assertEqual((ended.code, ended.reason, len(self.mirror.asked)), (0, "", asked))
        self.assertIn("island.map", ended.files)
        self.assertEqual(ended.report["sources"][0]["md5"], hashlib.md5(self.extract).hexdigest())
        self.assertEqual(ended.report["boxes"], [{"name": "island", "bbox": [10, 50, 11, 51]}])
        self.assertGreater(ended.report["timings"]["download"], 0)

    def test_a_download_alone_ends_as_the_whole_would(self):
        self.assertEqual(self.run_area("europe/atlantis", "--fetch").code, 65)
        self.assertEqual(self.bench.run("--fetch", AREA="europe/island", MIRROR="http://127.0.0.1:9").code, 75)

    def test_without_an_area_there_is_nothing_to_download(self):
        self.assertEqual(self.bench.run("--fetch").code, 0)

    def test_a_stumbling_mirror_is_asked_again_and_a_broken_download_resumed(self):
        self.mirror.add_area("europe/island", self.extract, POLY)
        self.mirror.faults["/europe/island-latest.osm.pbf"] = [503, "cut"]
        ended = self.run_area(SKIP_MAP="true")
        self.assertEqual((ended.code, ended.reason), (0, ""))
        ranges = [wanted for path, wanted in self.mirror.asked if path.endswith(".pbf")]
        self.assertEqual(ranges, [None, None, f"bytes={len(self.extract) // 2}-"])

    def test_a_busy_mirror_is_left_alone_for_as_long_as_it_says(self):
        self.mirror.add_area("europe/island", self.extract, POLY)
        self.mirror.faults["/europe/island-latest.osm.pbf"] = [(429, 3), (429, "Wed, 21 Oct 2026 07:28:00 GMT")]
        ended = self.run_area(SKIP_MAP="true")
        self.assertEqual((ended.code, ended.reason), (0, ""))
        self.assertIn("HTTP 429; again in 3 s", ended.stdout)
        self.assertIn("HTTP 429; again in 2 s", ended.stdout)

    def test_an_unknown_area_is_bad_input(self):
        ended = self.run_area("europe/atlantis")
        self.assertEqual(ended.code, 65)
        self.assertIn("unknown area “europe/atlantis”", ended.reason)
        self.assertEqual(ended.files, [])

    def test_a_wrong_md5_is_tried_once_more_and_then_bad_input_naming_both_sums(self):
        self.mirror.add_area("europe/island", self.extract, POLY, md5="0" * 32)
        ended = self.run_area()
        self.assertEqual(ended.code, 65)
        self.assertIn("0" * 32, ended.reason)
        self.assertIn(hashlib.md5(self.extract).hexdigest(), ended.reason)
        self.assertEqual(sum(path.endswith(".pbf") for path, _ in self.mirror.asked), 2)

    def test_a_mirror_that_is_down_means_try_again(self):
        ended = self.bench.run(AREA="europe/island", MIRROR="http://127.0.0.1:9")
        self.assertEqual(ended.code, 75)
        self.assertIn("http://127.0.0.1:9/europe/island", ended.reason)

    def test_a_mirror_that_refuses_is_bad_input(self):
        self.mirror.add_area("europe/island", self.extract, POLY)
        self.mirror.faults["/europe/island-latest.osm.pbf"] = [403]
        ended = self.run_area()
        self.assertEqual((ended.code, "HTTP 403" in ended.reason), (65, True), ended.reason)

    def test_a_bucket_that_may_not_be_listed_has_no_bounds_and_no_sum(self):
        self.mirror.add_area("europe/island", self.extract, POLY)
        self.mirror.faults = {"/europe/island.poly": [403], "/europe/island-latest.osm.pbf.md5": [403]}
        ended = self.run_area(SKIP_MAP="true")
        self.assertEqual((ended.code, ended.reason), (0, ""))
        warned = {event["event"] for event in ended.events if event["level"] == "warn"}
        self.assertLessEqual({"Source:Bounds:Missing", "Source:Checksum:Missing"}, warned)

    def test_an_area_across_the_180th_meridian_becomes_two_maps(self):
        path = os.path.join(self.bench.scratch, "fiji.osm.pbf")
        write_pbf(path, "n1 v1 x179.5 y-16.5 Tamenity=cafe\nn2 v1 x-179.5 y-16.5 Tamenity=cafe\n", box=None)
        with open(path, "rb") as file:
            self.mirror.add_area("oceania/fiji", file.read(), TWO_SIDES)
        ended = self.run_area("oceania/fiji")
        self.assertEqual((ended.code, ended.reason), (0, ""))
        self.assertLessEqual({"fiji-1.map", "fiji-2.map", "fiji.extents.txt"}, set(ended.files))
        boxes = {box["name"]: box["bbox"] for box in ended.report["boxes"]}
        self.assertEqual(boxes, {"fiji-1": [179, -17, 180, -16], "fiji-2": [-180, -17, -179, -16]})

    def test_a_box_given_takes_the_place_of_the_poly(self):
        self.mirror.add_area("europe/island", self.extract, POLY)
        ended = self.run_area(BBOX="10.1,50.1,10.9,50.9", SKIP_MAP="true")
        self.assertEqual(ended.report["boxes"][0]["bbox"], [10.1, 50.1, 10.9, 50.9])
