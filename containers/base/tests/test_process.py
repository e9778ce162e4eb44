"""Tools that are run, and what they made."""

import io
import json
import tempfile
import unittest
from pathlib import Path

from longshore.errors import JobError, OutOfMemory
from longshore.logger import Logger
from longshore.process import BadOutput, ToolFailed, check_output, run


class RunTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stream = io.StringIO()
        self.log = Logger(stream=self.stream)

    def events(self) -> list[tuple[str, str]]:
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [(line["event"], line.get("message", "")) for line in lines]

    def test_stdout_is_returned_and_every_line_is_logged(self) -> None:
        self.assertEqual(run("sh", "-c", "echo one; echo two >&2", log=self.log), "one\n")
        self.assertIn(("Process:Say:Line", "one"), self.events())
        self.assertIn(("Process:Say:Line", "two"), self.events())
        self.assertEqual(self.events()[-1][0], "Process:Run:Done")

    def test_a_failure_says_the_tool_its_code_and_its_last_words(self) -> None:
        with self.assertRaises(ToolFailed) as caught:
            run("sh", "-c", "echo 'no such variable: sst' >&2; exit 3", log=self.log)
        self.assertEqual(str(caught.exception), "sh ended with exit code 3: no such variable: sst")
        self.assertEqual((caught.exception.code, caught.exception.exit_code), (3, 1))
        self.assertEqual(self.events()[-1][0], "Process:Run:Failed")

    def test_a_tool_that_was_killed_says_by_which_signal(self) -> None:
        with self.assertRaisesRegex(ToolFailed, "was killed by SIGTERM: it said nothing"):
            run("sh", "-c", "kill -TERM $$", log=self.log)

    def test_a_tool_without_memory_is_tried_with_more(self) -> None:
        with self.assertRaises(OutOfMemory):
            run("sh", "-c", "echo 'terminate called: std::bad_alloc' >&2; exit 134", log=self.log)

    def test_a_tool_that_is_not_there_is_said(self) -> None:
        with self.assertRaisesRegex(JobError, "ncfoo is not installed in this image"):
            run("ncfoo", log=self.log)

    def test_a_tool_that_takes_too_long_is_stopped(self) -> None:
        with self.assertRaisesRegex(JobError, "sleep did not end within 0.1 s"):
            run("sleep", "60", log=self.log, timeout=0.1)

    def test_much_output_on_both_streams_does_not_block(self) -> None:
        script = "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; echo x >&2; i=$((i+1)); done"
        self.assertEqual(len(run("sh", "-c", script, log=self.log).splitlines()), 3000)


class CheckOutputTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def make(self, name: str, body: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(body)
        return path

    def test_a_good_file_is_returned(self) -> None:
        path = self.make("a.json", b'{"a": 1}')
        self.assertEqual(check_output(path, "json"), path)
        self.assertEqual(check_output(str(path)), path)

    def test_a_file_that_was_not_made_is_told_with_what_is_there(self) -> None:
        self.make("other.nc", b"x")
        with self.assertRaisesRegex(BadOutput, r"a.nc was not made; .* holds other.nc"):
            check_output(self.folder / "a.nc")

    def test_an_empty_file_is_none(self) -> None:
        with self.assertRaisesRegex(BadOutput, "a.nc has 0 bytes, and should have 1 or more"):
            check_output(self.make("a.nc", b""))

    def test_another_format_is_named(self) -> None:
        with self.assertRaisesRegex(BadOutput, "a.nc is no netcdf file: it looks like png"):
            check_output(self.make("a.nc", b"\x89PNG\r\n\x1a\n0000"), "netcdf")

    def test_a_folder_is_no_file(self) -> None:
        with self.assertRaisesRegex(BadOutput, "is not a file"):
            check_output(self.folder)


if __name__ == "__main__":
    unittest.main()
