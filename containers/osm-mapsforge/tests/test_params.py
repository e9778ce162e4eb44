import unittest

from osm_mapsforge.box import Box
from osm_mapsforge.errors import BadInput
from osm_mapsforge.params import parse_params


class Params(unittest.TestCase):
    def test_nothing_given_means_the_defaults(self):
        params = parse_params({})
        self.assertEqual((params.type, params.land, params.tag_mapping, params.tag_transform), ("ram", "auto", "bike", "bike"))
        self.assertEqual(params.mirror, "https://download.geofabrik.de")
        self.assertFalse(params.skip_map or params.skip_poi or params.tag_values)

    def test_what_is_given_is_parsed(self):
        params = parse_params({"AREA": "europe/monaco", "LANGUAGES": "en,de", "THREADS": "4", "BBOX": "7,43,8,44", "MIRROR": "http://a/b/"})
        self.assertEqual((params.area, params.languages, params.threads), ("europe/monaco", ("en", "de"), 4))
        self.assertEqual((params.bbox, params.mirror), ((Box(7, 43, 8, 44),), "http://a/b"))

    def test_a_box_across_the_180th_meridian_is_two(self):
        self.assertEqual(parse_params({"BBOX": "176,-20,-178,-12"}).bbox, (Box(176, -20, 180, -12), Box(-180, -20, -178, -12)))

    def test_each_bad_value_is_refused_by_name_and_value(self):
        bad = {
            "TYPE": ["RAM", "disk"],
            "AREA": ["../etc/passwd", "/europe", "europe/", "europe//monaco", "a b"],
            "MIRROR": ["ftp://x", "download.geofabrik.de"],
            "LANGUAGES": ["english language", "en,", "en,en", "EN"],
            "THREADS": ["0", "-1", "many", "1000", "1.5"],
            "TAG_VALUES": ["yes", "1"],
            "SKIP_MAP": ["TRUE"],
            "SKIP_POI": ["on"],
            "BBOX": ["1,2,3", "1,2,3,x", "0,10,1,5", "0,0,0,1", "0,-91,1,1", "nan,0,1,1"],
            "LAND": ["none", "/data/land.geojson"],
            "COMMENT": ["two\nlines", "x" * 501],
        }
        for name, values in bad.items():
            for value in values:
                with self.subTest(name=name, value=value), self.assertRaisesRegex(BadInput, f"bad parameter {name}="):
                    parse_params({name: value})
