"""Granules that cannot be: each with its reason, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time

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
        turned = sample.backscatter(532, 8, 1).T
        for changes, reason in (
            ({"ATB_532": turned}, "ATB_532 is 900 × 8, but must be 8 × 900"),
            ({"Latitude": np.ones(7)}, "Latitude has 7 values, but there are 8 profiles"),
            ({"Bin_Alt": np.ones((8, 900))}, "Bin_Alt is 8 × 900"),
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
