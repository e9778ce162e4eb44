import os
import sqlite3
import subprocess
import unittest

from osm_mapsforge.poi.categories import read_categories
from osm_mapsforge.poi.database import data
from osm_mapsforge.poi.middle import middle

from .test_job import Job

SQUARE = {1: (10.2, 50.2), 2: (10.4, 50.2), 3: (10.4, 50.4), 4: (10.2, 50.4)}


class Poi(Job):
    def rows(self, path: str, statement: str) -> list[tuple]:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return database.execute(statement).fetchall()
        finally:
            database.close()

    def test_nodes_and_ways_become_points_with_category_place_and_tags(self):
        nodes = "".join(f"n{node} v1 x{x} y{y}\n" for node, (x, y) in SQUARE.items())
        self.drop(opl=nodes + "n5 v1 x10.5 y50.5 Tamenity=cafe,name=Caf%e9%%20%%2c%1\nn6 v1 x12 y50 Tamenity=cafe\nw1 v1 Ttourism=camp_site,name=Camp Nn1,n2,n3,n4,n1\n")
        ended = self.bench.run(SKIP_MAP="true", COMMENT="for a test")
        self.assert_made(ended)
        path = ended.path("island.poi")
        join = "SELECT lat, lon, data, name FROM poi_index JOIN poi_data USING (id) JOIN poi_category_map USING (id) JOIN poi_categories ON poi_categories.id = category"
        self.assertEqual(self.rows(path, join), [
            (50.5, 10.5, "amenity=cafe\rname=Café ,1\rnormalized_name=cafe ,1", "Cafes"),
            (50.3, 10.3, "name=Camp\rnormalized_name=camp\rtourism=camp_site", "Camp sites"),
        ])
        metadata = dict(self.rows(path, "SELECT name, value FROM metadata"))
        self.assertEqual((metadata["version"], metadata["bounds"], metadata["comment"]), ("3", "50.0,10.0,51.0,11.0", "for a test"))
        self.assertEqual(ended.report["facts"]["pois"], {"island": 2})

    def test_the_poi_can_be_skipped(self):
        self.drop()
        ended = self.bench.run(SKIP_MAP="true", SKIP_POI="true")
        self.assert_made(ended)
        self.assertEqual(ended.files, ["island.extents.txt"])

    def test_the_middle_of_a_way_is_in_it(self):
        self.assertEqual(middle([1, 2, 3, 4, 1], SQUARE), (10.3, 50.3))
        self.assertEqual(middle([1, 2, 3], SQUARE), SQUARE[2])
        self.assertIsNone(middle([8, 9], SQUARE))
        horseshoe = {1: (0, 0), 2: (9, 0), 3: (9, 9), 4: (8, 9), 5: (8, 1), 6: (1, 1), 7: (1, 9), 8: (0, 9)}
        self.assertIn(middle([1, 2, 3, 4, 5, 6, 7, 8, 1], horseshoe), horseshoe.values())

    def test_the_root_has_the_highest_id_and_every_other_category_a_parent_above_its_own(self):
        # Readers take the highest id for the root, and read a missing parent as 0.
        rows = read_categories().rows
        self.assertEqual([identity for identity, _, _ in rows], list(range(len(rows))))
        self.assertEqual([row for row in rows if row[2] is None], [(len(rows) - 1, "root", None)])
        self.assertTrue(all(parent > identity for identity, _, parent in rows[:-1]))

    def test_a_carriage_return_in_a_value_parts_no_tag(self):
        self.assertEqual(data({"note": "a\rb=c"}), "note=a b=c")

    def test_the_same_dated_input_gives_the_same_bytes_with_the_date_of_the_data(self):
        path = self.drop(opl="n1 v1 x10.5 y50.5 Tamenity=cafe\n")
        dated = f"{path}.dated.pbf"
        subprocess.run(["osmium", "cat", path, "-o", dated, "--output-header=osmosis_replication_timestamp=2020-01-02T03:04:05Z"], check=True, capture_output=True)
        os.rename(dated, path)
        written = []
        for _ in range(2):
            ended = self.bench.run(SKIP_MAP="true", BBOX="10,50,11,51")
            self.assert_made(ended)
            dates = self.rows(ended.path("island.poi"), "SELECT value FROM metadata WHERE name='date'")
            self.assertEqual(dates, [("1577934245000",)])
            with open(ended.path("island.poi"), "rb") as file:
                written.append(file.read())
        self.assertEqual(written[0], written[1])

    def test_maps_on_both_sides_of_the_180th_meridian_each_hold_their_own_points(self):
        self.drop(opl="n1 v1 x179.5 y0.5 Tamenity=cafe\nn2 v1 x-179.5 y0.5 Tamenity=cafe\nn3 v1 x-179.4 y0.5 Tamenity=cafe\n", box=None)
        ended = self.bench.run(SKIP_MAP="true", BBOX="179,0,-179,1")
        self.assert_made(ended)
        longitudes = {name: [x for (x,) in self.rows(ended.path(name), "SELECT lon FROM poi_index ORDER BY id")] for name in ("island-1.poi", "island-2.poi")}
        self.assertEqual(sorted(longitudes.values()), [[-179.5, -179.4], [179.5]])

    def test_a_way_without_all_its_nodes_is_placed_by_those_there_are_and_one_without_any_is_left_out(self):
        self.drop(opl="n1 v1 x10.5 y50.5\nw1 v1 Tamenity=cafe Nn1,n98\nw2 v1 Tamenity=cafe Nn97,n98\n")
        ended = self.bench.run(SKIP_MAP="true")
        self.assert_made(ended)
        self.assertEqual(self.rows(ended.path("island.poi"), "SELECT lat, lon FROM poi_index"), [(50.5, 10.5)])

    @unittest.skipIf("LONGSHORE_SMALL_DISK" not in os.environ, "SKIPPED: LONGSHORE_SMALL_DISK names no disk of about 1 MB")
    def test_a_full_disk_is_named_with_the_bytes_free(self):
        small = os.environ["LONGSHORE_SMALL_DISK"]
        self.drop(opl="".join(f"n{n} v1 x10.5 y50.5 Tamenity=cafe,note={'x' * 200}\n" for n in range(1, 9001)))
        self.bench.output = os.path.join(small, "poi")
        os.makedirs(self.bench.output, exist_ok=True)
        ended = self.bench.run(SKIP_MAP="true")
        self.assertEqual(ended.code, 1, ended.stderr)
        self.assertRegex(ended.reason, rf"^disk full \(output {small}/poi: \d+ bytes free")
        self.assertEqual(os.listdir(ended.output), [])
