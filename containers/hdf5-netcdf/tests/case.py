"""What the tests share: a granule written, converted by the handler as a process, and read back."""

import json
import os
import shutil
import sys
import tempfile
import unittest
from datetime import datetime
from typing import Any, NamedTuple

import netCDF4

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sample_granules as sample  # noqa: E402
from hdf5_netcdf.__main__ import main  # noqa: E402

HANDLER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "hdf5-netcdf")
START = datetime(2012, 9, 6, 14, 30)
NAME = "HS3_CPL_ATB_12203a_20120906"


class Ended(NamedTuple):
    returncode: int
    stderr: str


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.input, self.output = (os.path.join(self.folder, name) for name in ("in", "out"))
        os.mkdir(self.input)
        os.mkdir(self.output)
        self.made: netCDF4.Dataset | None = None

    def tearDown(self) -> None:
        if self.made:
            self.made.close()

    def granule(self, changes: dict[str, Any] | None = None, *, without: tuple[str, ...] = (), name: str = NAME,
                base: dict[str, Any] | None = None, attributes: dict[str, Any] | None = None) -> str:
        """An ATB granule of 8 profiles with these changes. Returns its path."""
        variables = {**(base or sample.atb(START, 8)), **(changes or {})}
        for one in without:
            del variables[one]
        path = os.path.join(self.input, f"{name}.hdf5")
        sample.write_granule(path, variables, attributes)
        return path

    def run_handler(self, **env: str) -> Ended:
        """The handler in a fork of this process: as a process of its own, without half a second for its libraries."""
        with tempfile.TemporaryFile() as stderr, open(os.devnull, "wb") as nothing:
            child = os.fork()
            if child == 0:
                os.dup2(nothing.fileno(), 1)
                os.dup2(stderr.fileno(), 2)
                os.environ.update(env)
                code = main([self.input, self.output])
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
            _, status = os.waitpid(child, 0)
            stderr.seek(0)
            return Ended(os.waitstatus_to_exitcode(status), stderr.read().decode())

    def convert(self, name: str = NAME, **env: str) -> netCDF4.Dataset:
        """Runs the handler, which must end well; its file, opened and handed to the judge as well (test.sh)."""
        if self.made:
            # HDF5 locks what is open.
            self.made.close()
        ended = self.run_handler(**env)
        self.assertEqual((ended.returncode, ended.stderr[-700:]), (0, ""))
        path = os.path.join(self.output, f"{name}.nc")
        made = os.environ.get("LONGSHORE_MADE")
        if made:
            version = env.get("CONVENTIONS", "CF-1.6")
            shutil.copyfile(path, os.path.join(made, f"{version}-{self.id().rsplit('.', 1)[-1]}.nc"))
        self.made = netCDF4.Dataset(path)
        return self.made

    def report(self) -> dict[str, Any]:
        with open(os.path.join(self.output, ".longshore", "report.json"), encoding="utf-8") as file:
            return json.load(file)

    def told(self) -> dict[str, Any]:
        """What the report says of the only granule."""
        (granule,) = self.report()["facts"]["granules"]
        return granule

    def assert_refused(self, pattern: str, **env: str) -> None:
        ended = self.run_handler(**env)
        self.assertEqual(ended.returncode, 65, ended.stderr)
        self.assertRegex(ended.stderr.strip().split("\n")[-1], pattern)
        self.assertEqual([name for name in os.listdir(self.output) if name.endswith(".nc")], [])
