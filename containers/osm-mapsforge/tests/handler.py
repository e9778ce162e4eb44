"""Starts the handler as its users do, on small extracts that the tests write themselves."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMMAND = [sys.executable, os.path.join(HERE, "osm-mapsforge")]

# An island of one square with an inner sea (a hole), a road, a house, a café; longitude 10…11, latitude 50…51.
BOX = "10,50,11,51"
OUTER = [(10.2, 50.2), (10.8, 50.2), (10.8, 50.8), (10.2, 50.8)]
INNER = [(10.4, 50.4), (10.4, 50.6), (10.6, 50.6), (10.6, 50.4)]
ISLAND_AREA = 0.6 * 0.6 - 0.2 * 0.2


def island() -> str:
    """The island in OPL: coastlines have land on their left, so the inner sea's runs clockwise."""
    points = [*OUTER, *INNER, (10.25, 50.25), (10.35, 50.35), (10.3, 50.3), (10.301, 50.3), (10.301, 50.301), (10.3, 50.301)]
    nodes = [f"n{index} v1 x{x} y{y}" for index, (x, y) in enumerate(points, start=1)]
    nodes[8] += " Tamenity=cafe,name=Lighthouse"
    ways = [
        "w1 v1 Tnatural=coastline Nn1,n2,n3,n4,n1",
        "w2 v1 Tnatural=coastline Nn5,n6,n7,n8,n5",
        "w3 v1 Thighway=residential,name=Shore%20%Road,surface=asphalt Nn9,n10",
        "w4 v1 Tbuilding=house Nn11,n12,n13,n14,n11",
    ]
    return "\n".join([*nodes, *ways]) + "\n"


def write_pbf(path: str, opl: str, box: str | None = BOX, sort: bool = True) -> None:
    """OPL text becomes a PBF file, its header with bounds when `box` is given."""
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "a.opl")
        with open(source, "w", encoding="utf-8") as file:
            file.write(opl)
        command = ["osmium", "sort" if sort else "cat", "--no-progress", "--overwrite", "-o", path, source]
        subprocess.run(command, check=True, capture_output=True)
        if box:
            set_box(path, box)


def set_box(path: str, box: str) -> None:
    """Gives a PBF file's header bounds (osmium extract would, and would cut the data as well)."""
    with tempfile.TemporaryDirectory() as folder:
        xml, west_to_north = os.path.join(folder, "a.osm"), box.split(",")
        subprocess.run(["osmium", "cat", "--no-progress", "-o", xml, path], check=True, capture_output=True)
        with open(xml, encoding="utf-8") as file:
            text = file.read()
        west, south, east, north = west_to_north
        bounds = f'<bounds minlon="{west}" minlat="{south}" maxlon="{east}" maxlat="{north}"/>'
        head, tail = text.split("\n", 2)[:2], text.split("\n", 2)[2]
        with open(xml, "w", encoding="utf-8") as file:
            file.write("\n".join([*head, bounds, tail]))
        command = ["osmium", "cat", "--no-progress", "--overwrite", "-o", path, xml]
        subprocess.run(command, check=True, capture_output=True)


@dataclass
class Ended:
    """What a run of the handler left behind."""

    code: int
    stdout: str
    stderr: str
    output: str

    @property
    def reason(self) -> str:
        """The last stderr line: what a user reads."""
        lines = self.stderr.strip().splitlines()
        return lines[-1] if lines else ""

    @property
    def events(self) -> list[dict]:
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def files(self) -> list[str]:
        return sorted(name for name in os.listdir(self.output) if name != ".longshore")

    @property
    def report(self) -> dict:
        with open(os.path.join(self.output, ".longshore", "report.json"), encoding="utf-8") as file:
            return json.load(file)

    def path(self, name: str) -> str:
        return os.path.join(self.output, name)


class Workbench:
    """Input, output and scratch folders for a test; `run` starts the handler on them."""

    def __init__(self, root: str) -> None:
        self.input, self.output, self.scratch, self.cache = (os.path.join(root, name) for name in ("in", "out", "tmp", "cache"))
        for folder in (self.input, self.output, self.scratch, self.cache):
            os.makedirs(folder)

    def environment(self, **parameters: str) -> dict[str, str]:
        """No HOME, like in a container run by any uid; nothing of the caller's own settings."""
        kept = {name: os.environ[name] for name in ("PATH", "JAVA_HOME", "OSM_MAPSFORGE_JARS", "OSM_MAPSFORGE_PREPARED") if name in os.environ}
        # osmdata is never asked by a test: 127.0.0.1:9 answers nobody.
        return {**kept, "TMPDIR": self.scratch, "OSM_MAPSFORGE_OSMDATA_URL": "http://127.0.0.1:9/land.zip", "LONGSHORE_MEMORY_MIB": "700", **parameters}

    def start(self, *options: str, **parameters: str) -> subprocess.Popen:
        return subprocess.Popen(
            [*COMMAND, *options, self.input, self.output],
            env=self.environment(**parameters), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )

    def run(self, *options: str, **parameters: str) -> Ended:
        process = self.start(*options, **parameters)
        stdout, stderr = process.communicate(timeout=300)
        return Ended(process.returncode, stdout, stderr, self.output)
