"""--check-tools: what this machine lacks to run the handler without a container."""

import importlib.util
import json

from .gshhg import gshhg_file
from .jars import class_path
from .tools import missing

COMMANDS = {"java": "openjdk-17-jre-headless", "osmium": "osmium-tool"}


def check_tools() -> int:
    """Prints `{"missing": [...], "install": "apt-get install ..."}`; returns 0 when nothing is missing, else 1."""
    commands = missing(COMMANDS)
    packages = set(commands.values())
    lacking = sorted(commands)
    if importlib.util.find_spec("osgeo") is None:
        lacking.append("python: osgeo")
        packages.add("python3-gdal")
    jars = class_path()[1]
    lacking.extend(f"jar: {name}" for name in jars)
    if jars:
        packages |= {"osmosis", "libmapsforge-java"}
    optional = [] if gshhg_file() else ["gmt-gshhg-full"]
    install = f"apt-get install --no-install-recommends {' '.join(sorted(packages))}" if packages else ""
    print(json.dumps({"missing": lacking, "install": install, "optional": optional}))
    return 1 if lacking else 0
