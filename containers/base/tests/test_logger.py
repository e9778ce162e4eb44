"""Log lines as a reader of logs gets them."""

import io
import json
import math
import os
import unittest
from typing import Any
from unittest.mock import patch

from longshore import logger as module
from longshore.logger import Logger

PIPELINE = {
    "LONGSHORE_JOB": "hdf5-a2026001-1f",
    "LONGSHORE_RUN": "drop-2026-11-24",
    "LONGSHORE_TASK": "hdf5",
    "LONGSHORE_ATTEMPT": "2",
    "LONGSHORE_NAME": "A2026001",
}


class LoggerTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stream = io.StringIO()
        self.log = Logger(stream=self.stream)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().split("\n") if line]

    def test_a_line_has_the_fields_that_all_logs_have(self) -> None:
        with patch.dict(os.environ, PIPELINE):
            self.log.info("Granule:Convert:Done", "converted", variables=12)
        (line,) = self.lines()
        self.assertRegex(line.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertTrue(line.pop("process"))
        self.assertEqual(
            line,
            {
                "level": "info",
                "event": "Granule:Convert:Done",
                "message": "converted",
                "job": "hdf5-a2026001-1f",
                "run": "drop-2026-11-24",
                "task": "hdf5",
                "attempt": 2,
                "name": "A2026001",
                "variables": 12,
            },
        )

    def test_outside_the_pipeline_the_jobs_fields_are_not_there(self) -> None:
        with patch.dict(os.environ, {name: "" for name in PIPELINE}):
            self.log.warn("A:B:C")
        self.assertEqual(sorted(self.lines()[0]), ["event", "level", "process", "time"])

    def test_bound_fields_are_on_every_line_and_a_lines_own_win(self) -> None:
        bound = self.log.bind(granule="A1", process="convert")
        bound.info("A:B:C")
        bound.error("A:B:D", granule="A2")
        self.assertEqual([(line["granule"], line["process"]) for line in self.lines()], [("A1", "convert"), ("A2", "convert")])

    def test_a_message_with_line_ends_stays_one_line(self) -> None:
        self.log.info("A:B:C", "two\nlines \u2028 and \u00e9")
        self.assertEqual(self.lines()[0]["message"], "two\nlines \u2028 and \u00e9")
        self.assertEqual(self.stream.getvalue().count("\n"), 1)

    def test_what_json_cannot_say_becomes_text(self) -> None:
        self.log.info("A:B:C", value=math.nan, most=math.inf, path=os, names={"b"})
        line = self.lines()[0]
        self.assertEqual((line["value"], line["most"], line["names"]), ("nan", "inf", ["b"]))
        self.assertIn("module", line["path"])

    def test_numpy_values_are_numbers(self) -> None:
        try:
            import numpy
        except ImportError:
            self.skipTest("numpy is not here")
        self.log.info("A:B:C", mean=numpy.float32(1.5), count=numpy.int64(3))
        self.assertEqual((self.lines()[0]["mean"], self.lines()[0]["count"]), (1.5, 3))

    def test_debug_lines_come_only_when_asked_for(self) -> None:
        with patch.dict(os.environ, {"LONGSHORE_LOG_LEVEL": "info"}):
            self.log.debug("A:B:C")
        with patch.dict(os.environ, {"LONGSHORE_LOG_LEVEL": "debug"}):
            self.log.debug("A:B:D")
        self.assertEqual([line["event"] for line in self.lines()], ["A:B:D"])

    def test_timed_tells_the_end_and_the_failure(self) -> None:
        with self.log.timed("Land:Clip", polygons=3):
            pass
        with self.assertRaises(ValueError), self.log.timed("Land:Clip"):
            raise ValueError("no land")
        done, failed = self.lines()
        self.assertEqual((done["event"], done["polygons"]), ("Land:Clip:Done", 3))
        self.assertEqual((failed["event"], failed["level"], failed["message"]), ("Land:Clip:Failed", "error", "no land"))
        self.assertIsInstance(done["seconds"], float)

    def test_progress_is_what_the_command_shows(self) -> None:
        self.log.progress("download", done_bytes=10, total_bytes=20)
        line = self.lines()[0]
        self.assertEqual((line["event"], line["stage"], line["bytes"], line["totalBytes"]), ("Progress", "download", 10, 20))

    def test_the_modules_functions_write_to_stdout_of_the_moment(self) -> None:
        with patch("sys.stdout", io.StringIO()) as stdout:
            module.info("A:B:C")
        self.assertEqual(json.loads(stdout.getvalue())["event"], "A:B:C")


if __name__ == "__main__":
    unittest.main()
