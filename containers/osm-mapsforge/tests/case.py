"""A test case with a workbench of its own, removed afterwards."""

import tempfile
import unittest

from .handler import Workbench


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bench = Workbench(folder.name)
