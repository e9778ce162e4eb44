"""Metadata in the field's formats."""

import hashlib
import json
import tempfile
import unittest
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

from longshore.metadata import Granule, echo10, stac_item, write

PRODUCED = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class MetadataTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.file = self.folder / "sst.nc"
        self.file.write_bytes(b"12345")
        self.granule = Granule(
            granule_ur="SST.2026001",
            short_name="SST",
            version="2",
            begin=datetime(2026, 1, 1),
            end=datetime(2026, 1, 1, 23, 59, 59, 500000),
            box=(-10.5, -20, 30.25, 40),
            files=[self.file],
            produced=PRODUCED,
            day_night="DAY",
            platform="Terra",
            instrument="MODIS",
            data_format="netCDF-4",
            inputs=["A.hdf"],
            attributes={"Resolution": "4 km", "Bands": ["1", "2"]},
        )

    def test_echo10_has_its_elements_in_the_order_of_the_schema(self) -> None:
        root = ET.fromstring(echo10(self.granule))
        self.assertEqual(
            [element.tag for element in root],
            ["GranuleUR", "InsertTime", "LastUpdate", "Collection", "DataGranule", "Temporal", "Spatial", "Platforms"]
            + ["AdditionalAttributes", "InputGranules", "Orderable", "DataFormat", "Visible"],
        )
        self.assertEqual(
            [element.tag for element in root.find("DataGranule") or []],
            ["DataGranuleSizeInBytes", "SizeMBDataGranule", "Checksum", "ProducerGranuleId", "DayNightFlag"]
            + ["ProductionDateTime", "LocalVersionId"],
        )

    def test_echo10_says_what_is_known(self) -> None:
        root = ET.fromstring(echo10(self.granule))
        told = {
            "DataGranule/DataGranuleSizeInBytes": "5",
            "DataGranule/Checksum/Value": hashlib.sha256(b"12345").hexdigest(),
            "DataGranule/ProducerGranuleId": "sst.nc",
            "Temporal/RangeDateTime/EndingDateTime": "2026-01-01T23:59:59.500Z",
            "Spatial/HorizontalSpatialDomain/Geometry/BoundingRectangle/EastBoundingCoordinate": "30.25",
            "Spatial/HorizontalSpatialDomain/Geometry/BoundingRectangle/SouthBoundingCoordinate": "-20",
            "Platforms/Platform/Instruments/Instrument/ShortName": "MODIS",
            "InsertTime": "2026-11-24T09:00:00.000Z",
        }
        self.assertEqual({path: root.findtext(path) for path in told}, told)
        values = [value.text for value in root.findall("AdditionalAttributes/AdditionalAttribute/Values/Value")]
        self.assertEqual(values, ["4 km", "1", "2"])

    def test_what_is_not_known_is_left_out(self) -> None:
        bare = Granule("G", "S", "1", begin=PRODUCED, end=PRODUCED, produced=PRODUCED)
        root = ET.fromstring(echo10(bare))
        self.assertEqual(root.findtext("Temporal/SingleDateTime"), "2026-11-24T09:00:00.000Z")
        self.assertIsNone(root.find("Spatial"))
        self.assertIsNone(root.find("DataGranule/Checksum"))

    def test_a_time_in_another_zone_is_written_in_utc(self) -> None:
        zone = timezone(timedelta(hours=2))
        local = replace(self.granule, begin=datetime(2026, 1, 1, 1, 0, tzinfo=zone))
        self.assertIn("<BeginningDateTime>2025-12-31T23:00:00.000Z<", echo10(local))

    def test_text_is_escaped(self) -> None:
        self.assertIn("<GranuleUR>a &lt; b &amp; c</GranuleUR>", echo10(replace(self.granule, granule_ur="a < b & c")))

    def test_a_stac_item_has_geometry_times_and_assets(self) -> None:
        item = json.loads(stac_item(self.granule))
        self.assertEqual((item["stac_version"], item["id"]), ("1.1.0", "SST.2026001"))
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
