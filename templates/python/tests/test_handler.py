"""What the handler makes, and how it ends."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path


class HandlerTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.input = Path(folder.name, "input")
        self.output = Path(folder.name, "output")
        self.input.mkdir()
        self.output.mkdir()

    def run_handler(self) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "handler.py", str(self.input), str(self.output)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_bytes_and_lines_are_counted(self) -> None:
        (self.input / "a.txt").write_text("one\ntwo\n")
        self.assertEqual(self.run_handler().returncode, 0)
        counted = json.loads((self.output / "a.txt.json").read_text())
        self.assertEqual(counted, {"file": "a.txt", "bytes": 8, "lines": 2})

    def test_what_is_not_text_is_bad_input_and_the_last_line_says_so(self) -> None:
        (self.input / "a.txt").write_bytes(b"one\0two")
        done = self.run_handler()
        self.assertEqual((done.returncode, done.stderr.splitlines()[-1]), (65, "a.txt is not text"))


if __name__ == "__main__":
    unittest.main()
