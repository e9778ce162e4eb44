"""Metadata in the field's formats. That ECHO 10 and ECS files are longshore's own to the byte is tested on its side."""

import hashlib
import json
import tempfile
import unittest
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

from longshore.metadata import Granule, Parameter, echo10, ecs_met, stac_item, write

PRODUCED = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class MetadataTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.file = self.folder / "sst.nc"
        self.file.write_bytes(b"12345")
        self.granule = Granule(
            file=self.file,
            short_name="SST",
            version="2",
            begin=datetime(2026, 1, 1),
            end=datetime(2026, 1, 1, 23, 59, 59, 500000),
            box=(-10.5, -20, 30.25, 40),
            software=("convert", "1.0"),
            data_format="netCDF-4",
            produced=PRODUCED,
            vertical=(-0.25, 30.0, "km"),
            platform=("Terra", "MODIS"),
            inputs=["A.hdf"],
            parameters=[Parameter("sst", 1.5)],
        )

    def test_echo10_has_its_elements_in_the_order_of_the_schema(self) -> None:
        root = ET.fromstring(echo10(self.granule))
        self.assertEqual(
            [element.tag for element in root],
            ["GranuleUR", "InsertTime", "LastUpdate", "Collection", "DataGranule", "PGEVersionClass", "Temporal"]
            + ["Spatial", "MeasuredParameters", "Platforms", "InputGranules", "Orderable", "DataFormat", "Visible"],
        )
        self.assertEqual(
            [element.tag for element in root.find("DataGranule") or []],
            ["DataGranuleSizeInBytes", "SizeMBDataGranule", "Checksum", "ProducerGranuleId", "DayNightFlag"]
            + ["ProductionDateTime"],
        )

    def test_echo10_says_what_is_known(self) -> None:
        root = ET.fromstring(echo10(self.granule))
        rectangle = "Spatial/HorizontalSpatialDomain/Geometry/BoundingRectangle"
        told = {
            "DataGranule/DataGranuleSizeInBytes": "5",
            "DataGranule/Checksum/Value": hashlib.sha256(b"12345").hexdigest(),
            "DataGranule/ProducerGranuleId": "sst.nc",
            "Temporal/RangeDateTime/EndingDateTime": "2026-01-01T23:59:59.500Z",
            f"{rectangle}/EastBoundingCoordinate": "30.25",
            f"{rectangle}/SouthBoundingCoordinate": "-20",
            "Spatial/VerticalSpatialDomains/VerticalSpatialDomain/Value": "-0.25 km",
            "Platforms/Platform/Instruments/Instrument/ShortName": "MODIS",
            "MeasuredParameters/MeasuredParameter/QAStats/QAPercentMissingData": "1.5",
            "InsertTime": "2026-11-24T09:00:00.000Z",
        }
        self.assertEqual({path: root.findtext(path) for path in told}, told)

    def test_what_is_not_known_is_left_out(self) -> None:
        bare = replace(self.granule, vertical=None, platform=None, inputs=(), parameters=())
        root = ET.fromstring(echo10(bare))
        for name in ("Platforms", "InputGranules", "MeasuredParameters", "Spatial/VerticalSpatialDomains", "Campaigns"):
            self.assertIsNone(root.find(name), name)
        self.assertNotIn("ASSOCIATEDPLATFORM", ecs_met(bare))

    def test_a_time_in_another_zone_is_written_in_utc(self) -> None:
        zone = timezone(timedelta(hours=2))
        local = replace(self.granule, begin=datetime(2026, 1, 1, 1, 0, tzinfo=zone))
        self.assertIn("<BeginningDateTime>2025-12-31T23:00:00.000Z<", echo10(local))
        self.assertIn('VALUE = "23:00:00.000"', ecs_met(local))

    def test_text_is_escaped(self) -> None:
        odd = replace(self.granule, campaign='a < b & "c" \x00')
        self.assertIn('<ShortName>a &lt; b &amp; "c" \ufffd</ShortName>', echo10(odd))
        self.assertIn("VALUE = \"a 'b'\"", ecs_met(replace(self.granule, short_name='a "b"')))

    def test_ecs_groups_end_where_they_began(self) -> None:
        stack: list[str] = []
        for line in ecs_met(self.granule).splitlines():
            key, _, name = line.strip().partition(" = ")
            if key in ("GROUP", "OBJECT"):
                stack.append(name)
            elif key.startswith("END_"):
                self.assertEqual(stack.pop(), name)
        self.assertEqual(stack, [])

    def test_a_stac_item_has_geometry_times_and_asset(self) -> None:
        item = json.loads(stac_item(self.granule))
        self.assertEqual((item["stac_version"], item["id"]), ("1.1.0", "sst"))
        self.assertEqual(item["bbox"], [-10.5, -20, 30.25, 40])
        self.assertEqual(item["geometry"]["coordinates"][0][0], [-10.5, -20])
        self.assertEqual(item["properties"]["end_datetime"], "2026-01-01T23:59:59.500Z")
        self.assertEqual(item["assets"]["sst.nc"]["file:size"], 5)

    def test_a_box_across_the_180th_meridian_is_cut_there(self) -> None:
        item = json.loads(stac_item(replace(self.granule, box=(170, -10, -170, 10))))
        self.assertEqual(item["geometry"]["type"], "MultiPolygon")
        self.assertEqual(item["geometry"]["coordinates"][1][0][0], [-180, -10])

    def test_bad_times_and_boxes_are_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "before it begins"):
            replace(self.granule, end=datetime(2025, 1, 1))
        with self.assertRaisesRegex(ValueError, "not on the Earth"):
            replace(self.granule, box=(0, 40, 10, 30))

    def test_a_file_is_written_whole(self) -> None:
        path = write(self.folder / "a.meta.xml", echo10(self.granule))
        self.assertEqual(path.read_text(), echo10(self.granule))
        self.assertEqual(sorted(file.name for file in self.folder.iterdir()), ["a.meta.xml", "sst.nc"])


if __name__ == "__main__":
    unittest.main()
