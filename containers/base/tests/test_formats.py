"""Formats told by the first bytes; netCDF and HDF5 by files that the libraries write."""

import gzip
import json
import sqlite3
import tempfile
import unittest
import zipfile
from pathlib import Path

from longshore.formats import format_of, is_format, known


class FormatsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def make(self, body: bytes, name: str = "file") -> Path:
        path = self.folder / name
        path.write_bytes(body)
        return path

    def test_files_that_pythons_own_libraries_write(self) -> None:
        sqlite = self.folder / "a.db"
        with sqlite3.connect(sqlite) as database:
            database.execute("create table t (x)")
        database.close()
        packed = self.folder / "a.gz"
        with gzip.open(packed, "wb") as stream:
            stream.write(b"x")
        archive = self.folder / "a.zip"
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("a", "b")
        found = [format_of(path) for path in (sqlite, packed, archive)]
        self.assertEqual(found, ["sqlite", "gzip", "zip"])

    def test_json_is_parsed_when_it_is_small(self) -> None:
        self.assertTrue(is_format(self.make(json.dumps([1]).encode()), "json"))
        self.assertFalse(is_format(self.make(b'{"a": '), "json"))

    def test_xml_may_begin_with_a_mark_or_spaces(self) -> None:
        self.assertTrue(is_format(self.make(b"\xef\xbb\xbf\n <a/>"), "xml"))
        self.assertFalse(is_format(self.make(b"a < b"), "xml"))

    def test_csv_has_the_same_columns_in_every_row(self) -> None:
        self.assertTrue(is_format(self.make(b'a,b\n1,"x,\ny"\n'), "csv"))
        self.assertTrue(is_format(self.make(b"a;b\n1;2\n"), "csv"))
        self.assertFalse(is_format(self.make(b"a,b\n1\n"), "csv"))
        self.assertFalse(is_format(self.make(b"just text\n"), "csv"))
        self.assertFalse(is_format(self.make(b"a,b\x00\n"), "csv"))

    def test_text_is_utf8(self) -> None:
        self.assertTrue(is_format(self.make("é".encode() * 20000), "text"))
        self.assertFalse(is_format(self.make(b"\xe9\xe9"), "text"))

    def test_classic_netcdf_and_video(self) -> None:
        self.assertEqual(format_of(self.make(b"CDF\x01" + b"\x00" * 28)), "netcdf")
        self.assertEqual(format_of(self.make(b"\x00\x00\x00\x18ftypmp42")), "mp4")

    def test_an_empty_file_has_no_format(self) -> None:
        self.assertIsNone(format_of(self.make(b"")))

    def test_an_unknown_name_is_an_error_that_lists_the_known_ones(self) -> None:
        with self.assertRaisesRegex(ValueError, 'no format "hdf6": known are bzip2, csv'):
            is_format(self.make(b"x"), "hdf6")
        self.assertIn("hdf5", known())

    def test_hdf5_is_not_netcdf_and_netcdf4_is_both(self) -> None:
        try:
            import h5py
            import netCDF4
        except ImportError:
            self.skipTest("h5py and netCDF4 are not here")
        plain = self.folder / "a.h5"
        with h5py.File(plain, "w") as file:
            file["x"] = [1, 2]
        netcdf = self.folder / "a.nc"
        with netCDF4.Dataset(netcdf, "w") as dataset:
            dataset.createDimension("x", 2)
        shifted = self.make(b"\x00" * 512 + plain.read_bytes())
        self.assertEqual([format_of(path) for path in (plain, netcdf, shifted)], ["hdf5", "netcdf", "hdf5"])
        self.assertTrue(is_format(netcdf, "hdf5"))
        self.assertFalse(is_format(plain, "netcdf"))


if __name__ == "__main__":
    unittest.main()
