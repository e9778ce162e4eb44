import unittest

from osm_mapsforge.box import Box
from osm_mapsforge.errors import BadInput
from osm_mapsforge.poly import bounds, parse_poly


def section(name: str, west: float, south: float, east: float, north: float) -> str:
    return f"{name}\n {west} {south}\n {east} {south}\n {east} {north}\n {west} {north}\n {west} {south}\nEND\n"


def poly(*sections: str) -> str:
    return "area\n" + "".join(sections) + "END\n"


class Bounds(unittest.TestCase):
    def boxes(self, *sections: str) -> list[Box]:
        return bounds(parse_poly(poly(*sections), "area.poly"))

    def test_one_ring(self):
        self.assertEqual(self.boxes(section("1", 7, 43, 8, 44)), [Box(7, 43, 8, 44)])

    def test_several_rings_share_one_box(self):
        self.assertEqual(self.boxes(section("1", 7, 43, 8, 44), section("2", 10, 40, 11, 41)), [Box(7, 40, 11, 44)])

    def test_holes_do_not_count(self):
        self.assertEqual(self.boxes(section("1", 7, 43, 8, 44), section("!2", 1, 1, 2, 2)), [Box(7, 43, 8, 44)])

    def test_rings_on_both_sides_of_the_180th_meridian_become_two_boxes(self):
        fiji = self.boxes(section("east", 176, -20, 180, -12), section("west", -180, -21, -178, -15))
        self.assertEqual(fiji, [Box(176, -21, 180, -12), Box(-180, -21, -178, -12)])

    def test_a_ring_drawn_past_the_180th_meridian_becomes_two_boxes(self):
        self.assertEqual(self.boxes(section("1", 170, -10, 190, 10)), [Box(170, -10, 180, 10), Box(-180, -10, -170, 10)])
        self.assertEqual(self.boxes(section("1", -190, -10, -170, 10)), [Box(170, -10, 180, 10), Box(-180, -10, -170, 10)])

    def test_rings_that_stop_short_of_the_meridian_become_two_boxes_as_well(self):
        zealand = self.boxes(section("1", 166, -48, 179, -34), section("2", -178, -45, -175, -43))
        self.assertEqual(zealand, [Box(166, -48, 179, -34), Box(-178, -48, -175, -34)])

    def test_a_wide_country_across_the_meridian(self):
        russia = self.boxes(section("1", 19, 41, 180, 82), section("2", -180, 60, -168, 73))
        self.assertEqual(russia, [Box(19, 41, 180, 82), Box(-180, 41, -168, 82)])

    def test_the_whole_planet_is_one_box(self):
        self.assertEqual(self.boxes(section("1", -180, -90, 180, 90)), [Box(-180, -90, 180, 90)])


class Damage(unittest.TestCase):
    def refused(self, text: str, reason: str) -> None:
        with self.assertRaisesRegex(BadInput, reason):
            parse_poly(text, "x.poly")

    def test_a_truncated_file_is_told(self):
        self.refused(poly(section("1", 7, 43, 8, 44))[:-4], "truncated")
        self.refused("area\n1\n 7 43\n 8 43\n", "truncated")

    def test_a_line_that_is_no_point_is_named(self):
        self.refused("area\n1\n 7 43\n hello\nEND\nEND\n", "x.poly line 4: “hello”")

    def test_a_page_of_html_is_no_polygon(self):
        self.refused("<html>\n<body>\nNot here\n</body>\n</html>\n", "x.poly")

    def test_a_file_of_holes_only_is_refused(self):
        self.refused(poly(section("!1", 7, 43, 8, 44)), "no outer ring")
