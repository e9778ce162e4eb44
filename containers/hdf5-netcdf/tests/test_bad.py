"""Granules that cannot be: each with its reason, and nothing left behind."""

import os
import random
import signal
import subprocess
import sys
import time

import h5py
import numpy as np

from .case import HANDLER, NAME, START, Case, sample


class Bad(Case):
    def write(self, content: bytes) -> None:
        with open(os.path.join(self.input, f"{NAME}.hdf5"), "wb") as file:
            file.write(content)

    def good(self) -> bytes:
        with open(self.granule(), "rb") as file:
            return file.read()

    def test_an_empty_file(self) -> None:
        self.write(b"")
        self.assert_refused(r"\.hdf5 is empty \(0 bytes\)")

    def test_a_file_of_another_kind(self) -> None:
        self.write(b"Dear lidar, how are you?")
        self.assert_refused(r"not an HDF5 file: it begins with b'Dear lid'")

    def test_what_it_is_in_place_of_a_granule_is_said(self) -> None:
        for content, reason in (
            (b"\x0e\x03\x13\x01" + bytes(100), "but HDF4: convert it"),
            (b"CDF\x01" + bytes(100), "but classic netCDF: convert it"),
            (b"<!DOCTYPE html><html>Please log in</html>", "but HTML or XML: perhaps the answer of a server that wanted a login"),
        ):
            with self.subTest(reason=reason):
                self.write(content)
                self.assert_refused(reason)

    def test_damaged_coordinates(self) -> None:
        for one in ("Latitude", "Hour", "Bin_Alt"):
            path = self.granule()
            with h5py.File(path, "r+") as file:
                values = file[one][()]
                del file[one]
                chunk = file.create_dataset(one, data=values, compression="gzip", fletcher32=True).id.get_chunk_info(0)
            with open(path, "r+b") as file:
                file.seek(chunk.byte_offset)
                file.write(b"\xff" * chunk.size)
            with self.subTest(one=one):
                self.assert_refused(rf"{NAME}\.hdf5: {one} cannot be read, the granule is damaged")

    def test_a_filter_that_is_not_here(self) -> None:
        path = self.granule(without=("Latitude",))
        with h5py.File(path, "r+") as file:
            properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            properties.set_chunk((8,))
            properties.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
            space = h5py.h5s.create_simple((8,))
            h5py.h5d.create(file.id, b"Latitude", h5py.h5t.NATIVE_FLOAT, space, properties).write_direct_chunk((0,), b"packed")
        self.assert_refused(r"Latitude is packed by filter 32015 .*repack the granule \(h5repack")

    def test_what_lies_in_another_file_is_no_part_of_the_granule(self) -> None:
        layout = h5py.VirtualLayout((8, 900), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "ATB_532", (8, 900))
        with h5py.File(self.granule(without=("ATB_532",)), "r+") as file:
            file.create_virtual_dataset("ATB_532", layout)
        self.assert_refused(r"lacks ATB_532 \(its values are in another file \(other.h5\)")

    def test_any_byte_that_is_wrong_is_the_granules_fault(self) -> None:
        good = self.good()
        chance = random.Random(7)
        for _ in range(15):
            bad = bytearray(good)
            for _ in range(chance.choice((1, 3, 20))):
                bad[chance.randrange(12_000)] = chance.randrange(256)
            self.write(bytes(bad))
            ended = self.run_handler()
            self.assertIn(ended.returncode, (0, 65), ended.stderr)

    def test_a_truncated_file(self) -> None:
        good = self.good()
        self.write(good[: len(good) * 2 // 3])
        self.assert_refused(r"truncated: it has \d+ bytes")

    def test_a_file_with_a_damaged_chunk(self) -> None:
        good = bytearray(self.good())
        # Past the headers: compressed data that no longer unpacks.
        middle = len(good) // 2
        good[middle:middle + 4000] = b"\xff" * 4000
        self.write(bytes(good))
        self.assert_refused(r"damaged")

    def test_missing_variables_are_all_named(self) -> None:
        self.granule(without=("ATB_532", "ATB_1064"))
        self.assert_refused(rf"{NAME} lacks ATB_532, ATB_1064; it has ATB_355")

    def test_missing_variables_may_be_noted(self) -> None:
        self.granule(without=("ATB_532",))
        self.convert(MISSING="note")
        self.assertEqual(self.told()["missing"], ["ATB_532"])

    def test_coordinates_are_always_needed(self) -> None:
        for one in ("Latitude", "Longitude", "Bin_Alt"):
            self.granule(without=(one,))
            self.assert_refused(f"lacks {one}", MISSING="note")

    def test_wrong_shapes(self) -> None:
        for changes, reason in (
            ({"ATB_532": np.ones((8, 800))}, "ATB_532 is 8 × 800, but must be 8 × 900"),
            ({"ATB_532": np.full((8, 900), b"x")}, "ATB_532 must be numbers, but is |S1"),
            ({"Latitude": np.ones(7)}, "Latitude has 7 values, but there are 8 profiles"),
            ({"Bin_Alt": np.ones((900, 8))}, "Bin_Alt is 900 × 8, but must have one value a bin, or 8 × one value a bin"),
            ({"Latitude": np.full(8, b"25.0N")}, "hdf5: Latitude must be numbers, but is |S5"),
            ({"Bin_Alt": np.zeros(900)}, "Bin_Alt must fall or rise"),
            ({"Latitude": np.full(8, np.nan)}, "no profile has a valid Latitude"),
        ):
            with self.subTest(reason=reason):
                self.granule(changes)
                self.assert_refused(reason)

    def test_nothing_to_convert(self) -> None:
        with open(os.path.join(self.input, "readme.txt"), "w", encoding="utf-8") as file:
            file.write("hello")
        self.assert_refused("no granule .* among: readme.txt")

    def test_two_granules_of_one_name(self) -> None:
        path = self.granule()
        with open(path, "rb") as file, open(path.replace(".hdf5", ".h5"), "wb") as other:
            other.write(file.read())
        self.assert_refused("would both become")

    def test_bad_parameters(self) -> None:
        self.granule()
        self.assert_refused('CONVENTIONS is "CF-9", but must be one of CF-1.6, CF-1.11', CONVENTIONS="CF-9")

    def test_one_bad_granule_of_two_leaves_nothing(self) -> None:
        self.granule()
        self.granule(name="HS3_CPL_ATB_12204a_20120906", without=("ATB_355",))
        self.assert_refused("HS3_CPL_ATB_12204a_20120906 lacks ATB_355")

    def test_the_command_as_it_is_started(self) -> None:
        self.granule()
        ended = subprocess.run([sys.executable, HANDLER, self.input, self.output], capture_output=True, text=True, check=False)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertRegex(ended.stdout, '"event": "Granule:Convert:Done"')

    def test_a_wrong_command_line(self) -> None:
        ended = subprocess.run([sys.executable, HANDLER, self.input], capture_output=True, text=True, check=False)
        self.assertEqual(ended.returncode, 64)
        self.assertRegex(ended.stderr, "^usage: ")

    def test_a_full_disk_is_not_the_granules_fault(self) -> None:
        self.granule()
        os.chmod(self.output, 0o555)
        self.addCleanup(os.chmod, self.output, 0o755)
        ended = self.run_handler()
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stderr.strip().split("\n")[-1], "PermissionError.*bytes free")

    def test_sigterm_ends_it_and_leaves_nothing(self) -> None:
        self.granule(base=sample.atb(START, 3000))
        with subprocess.Popen([sys.executable, HANDLER, self.input, self.output], stderr=subprocess.PIPE, text=True,
                              stdout=subprocess.DEVNULL) as process:
            while not os.listdir(self.output) and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            _, stderr = process.communicate()
        self.assertEqual((process.returncode, stderr.strip()), (143, "stopped by SIGTERM"))
        self.assertEqual(os.listdir(self.output), [])
