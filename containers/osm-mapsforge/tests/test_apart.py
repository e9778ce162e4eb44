import contextlib
import errno
import io
import os
import signal
import unittest

from osm_mapsforge.apart import apart
from osm_mapsforge.errors import BadInput, JobError
from osm_mapsforge.tools import ToolFailed


class Apart(unittest.TestCase):
    def fail(self, error: BaseException) -> None:
        raise error

    def test_the_result_of_another_process_comes_back(self):
        process, value = apart("a sum", lambda: (os.getpid(), 1 + 1))
        self.assertEqual((process == os.getpid(), value), (False, 2))

    def test_a_long_result_comes_back_whole(self):
        self.assertEqual(len(apart("length", lambda: "x" * 1_000_000)), 1_000_000)

    def test_what_it_raises_is_raised_with_its_kind_and_message(self):
        with self.assertRaisesRegex(BadInput, "^no such area$"):
            apart("an area", lambda: self.fail(BadInput("no such area")))
        with self.assertRaisesRegex(JobError, "osmium ended with code 3: it broke"):
            apart("a tool", lambda: self.fail(ToolFailed("osmium", 3, "it broke")))

    def test_a_full_disk_keeps_its_number(self):
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(OSError) as raised:
            apart("a file", lambda: self.fail(OSError(errno.ENOSPC, "No space left on device")))
        self.assertEqual(raised.exception.errno, errno.ENOSPC)

    def test_a_process_that_is_killed_is_a_failure(self):
        with self.assertRaisesRegex(JobError, "handler('s| at) work on land"):
            apart("land", lambda: os.kill(os.getpid(), signal.SIGKILL))
