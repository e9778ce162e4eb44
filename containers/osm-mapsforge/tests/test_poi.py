import sqlite3

from osm_mapsforge.opl import OplObject
from osm_mapsforge.poi import middle, read_categories

from .test_job import Job

SQUARE = {1: (10.2, 50.2), 2: (10.4, 50.2), 3: (10.4, 50.4), 4: (10.2, 50.4)}


def way(*nodes: int) -> OplObject:
    return OplObject("w", 1, nodes=list(nodes))


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
            (50.5, 10.5, "amenity=cafe\rname=Café ,1", "Cafes"),
            (50.3, 10.3, "name=Camp\rtourism=camp_site", "Camp sites"),
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
        self.assertEqual(middle(way(1, 2, 3, 4, 1), SQUARE), (10.3, 50.3))
        self.assertEqual(middle(way(1, 2, 3), SQUARE), SQUARE[2])
        self.assertIsNone(middle(way(8, 9), SQUARE))
        horseshoe = {1: (0, 0), 2: (9, 0), 3: (9, 9), 4: (8, 9), 5: (8, 1), 6: (1, 1), 7: (1, 9), 8: (0, 9)}
        self.assertIn(middle(way(1, 2, 3, 4, 5, 6, 7, 8, 1), horseshoe), horseshoe.values())

    def test_every_category_but_the_root_has_a_parent(self):
        rows = read_categories().rows
        self.assertEqual([row for row in rows if row[2] is None], [(0, "root", None)])
        self.assertTrue(all(parent is None or parent < identity for identity, _, parent in rows))
