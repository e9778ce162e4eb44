import os
import subprocess

from osm_mapsforge.box import Box
from osm_mapsforge.errors import BadInput
from osm_mapsforge.nodes import find_nodes
from osm_mapsforge.pbf import read_pbf

from .case import Case
from .handler import island, write_pbf


class Pbf(Case):
    def setUp(self) -> None:
        super().setUp()
        self.path = os.path.join(self.bench.input, "a.osm.pbf")

    def refused(self, content: bytes, reason: str) -> None:
        with open(self.path, "wb") as file:
            file.write(content)
        with self.assertRaisesRegex(BadInput, reason):
            read_pbf(self.path, "a.osm.pbf")

    def whole(self) -> bytes:
        write_pbf(self.path, island())
        with open(self.path, "rb") as file:
            return file.read()

    def test_the_header_tells_bounds_and_order(self):
        write_pbf(self.path, island(), sort=True, box=None)
        self.assertTrue(read_pbf(self.path, "a").sorted)
        self.assertIsNone(read_pbf(self.path, "a").box)
        write_pbf(self.path, island())
        self.assertEqual(read_pbf(self.path, "a").box, Box(10, 50, 11, 51))

    def test_an_empty_file_is_told(self):
        self.refused(b"", "a.osm.pbf is empty")

    def test_text_and_other_formats_are_told(self):
        for content in (b"hello\n", b"<?xml version='1.0'?><osm/>", b"\x1f\x8b\x08" + b"\0" * 100, b"\0\0\0\x05hello", b"abc"):
            with self.subTest(content=content):
                self.refused(content, "not an OSM PBF file")

    def test_ways_without_their_nodes_are_told(self):
        self.whole()
        there = os.path.join(self.bench.scratch, "ways.osm.pbf")
        subprocess.run(["osmium", "add-locations-to-ways", "-o", there, self.path], check=True, capture_output=True)
        with self.assertRaisesRegex(BadInput, "a.osm.pbf has the places of its nodes on its ways"):
            read_pbf(there, "a.osm.pbf")

    def test_every_truncation_is_told(self):
        whole = self.whole()
        for length in range(5, len(whole), 7):
            with self.subTest(length=length), self.assertRaises(BadInput):
                with open(self.path, "wb") as file:
                    file.write(whole[:length])
                read_pbf(self.path, "a.osm.pbf")

    def test_a_truncated_file_is_named_with_its_size(self):
        whole = self.whole()
        self.refused(whole[:-1], f"a.osm.pbf is truncated: it ends at byte {len(whole) - 1}")

    def test_rubbish_after_the_data_is_told(self):
        self.refused(self.whole() + b"\xff" * 100, "damaged")

    def test_nodes_are_found_with_their_places(self):
        self.whole()
        places = find_nodes(self.path, "a", {1, 6, 12, 999})
        self.assertEqual(places, {1: (10.2, 50.2), 6: (10.4, 50.6), 12: (10.301, 50.3)})

    def test_nodes_west_and_south_of_zero_and_with_large_ids_are_found(self):
        nodes = {-5: (-170.1234567, -80.5), 3: (0.0000001, 0.0), 13_000_000_000: (179.9999999, 89.0)}
        opl = "".join(f"n{node} v1 x{x:.7f} y{y:.7f}\n" for node, (x, y) in nodes.items())
        write_pbf(self.path, opl, box=None)
        self.assertEqual(find_nodes(self.path, "a", {3, 13_000_000_000}), {node: nodes[node] for node in (3, 13_000_000_000)})
