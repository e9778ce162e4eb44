"""How a handler ends."""

import io
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

from longshore import BadInput, OutOfMemory, TryAgain
from longshore.handler import Folders, exit_code, param


class HandlerTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.input = Path(folder.name, "input")
        self.output = Path(folder.name, "output")
        self.input.mkdir()
        self.output.mkdir()

    def end(self, error: BaseException | None = None) -> tuple[int, str]:
        def main(folders: Folders) -> None:
            if error is not None:
                raise error
            (folders.output / "done").touch()

        with patch("sys.stderr", io.StringIO()) as stderr:
            code = exit_code(main, [str(self.input), str(self.output)])
        return code, stderr.getvalue()

    def test_a_handler_that_returns_is_done(self) -> None:
        self.assertEqual(self.end(), (0, ""))
        self.assertTrue((self.output / "done").exists())

    def test_its_errors_are_the_contracts_exit_codes_with_the_reason_last(self) -> None:
        self.assertEqual(self.end(BadInput("no variable\nsst")), (65, "no variable sst\n"))
        self.assertEqual(self.end(TryAgain("the mirror is busy"))[0], 75)
        self.assertEqual(self.end(OutOfMemory("more"))[0], 137)

    def test_what_nobody_expected_is_told_with_its_trace_and_a_last_word(self) -> None:
        code, said = self.end(KeyError("sst"))
        self.assertEqual((code, said.splitlines()[-1]), (1, "KeyError: 'sst'"))
        self.assertIn("Traceback", said)

    def test_no_memory_is_told_as_such(self) -> None:
        self.assertEqual(self.end(MemoryError())[0], 137)

    def test_wrong_arguments_are_usage(self) -> None:
        with patch("sys.stderr", io.StringIO()) as stderr:
            self.assertEqual(exit_code(lambda folders: None, ["/nowhere"]), 64)
        self.assertIn("INPUT OUTPUT", stderr.getvalue())

    def test_one_input_is_found_or_refused(self) -> None:
        folders = Folders(self.input, self.output)
        with self.assertRaisesRegex(BadInput, "the input folder holds nothing"):
            folders.one_input()
        (self.input / "a.csv").touch()
        self.assertEqual(folders.one_input().name, "a.csv")
        (self.input / "b.csv").touch()
        with self.assertRaisesRegex(BadInput, "holds a.csv, b.csv"):
            folders.one_input()

    def test_a_parameter_has_a_default_or_must_be_given(self) -> None:
        with patch.dict("os.environ", {"DEPTH": "3"}):
            self.assertEqual((param("DEPTH"), param("OTHER", "x")), ("3", "x"))
            with self.assertRaisesRegex(BadInput, "the parameter OTHER is missing"):
                param("OTHER")


if __name__ == "__main__":
    unittest.main()
