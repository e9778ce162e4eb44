"""The class path: osmosis and the map writer from Debian's packages.

Debian's `osmosis` command cannot load the writer (its plug-in loader sees neither trove nor JTS); with every jar on a
plain class path osmosis finds the writer's tasks by itself.
"""

import os

# Jars by the beginning of their names; only what reading PBF, transforming tags and writing maps needs: a shorter
# class path starts faster.
NEEDED = (
    "osmosis-core",
    "osmosis-osm-binary",
    "osmosis-pbf2",
    "osmosis-tagtransform",
    "osmosis-xml",
    "mapsforge-core",
    "mapsforge-map-writer",
    "trove4j",
    "jts-core",
    "guava",
    "protobuf",
    "jpf",
    "commons-compress",
    "commons-logging",
    "xz",
)
DEFAULT_FOLDERS = "/usr/share/osmosis:/usr/share/java"


def class_path(where: str | None = None) -> tuple[list[str], list[str]]:
    """The jars found and the names not found, in folders parted by `:` (else OSM_MAPSFORGE_JARS, else Debian's)."""
    folders = (where or os.environ.get("OSM_MAPSFORGE_JARS", DEFAULT_FOLDERS)).split(":")
    found: list[str] = []
    missing: list[str] = []
    for name in NEEDED:
        path = next((jar for folder in folders if (jar := _jar(folder, name))), None)
        if path:
            found.append(path)
        else:
            missing.append(name)
    return found, missing


def _jar(folder: str, name: str) -> str | None:
    plain = os.path.join(folder, f"{name}.jar")
    if os.path.isfile(plain):
        return plain
    try:
        # osmosis-core-0.48.3.jar has no unversioned name
        versions = [jar for jar in sorted(os.listdir(folder)) if jar.startswith(f"{name}-") and jar[len(name) + 1].isdigit()]
    except OSError:
        return None
    return os.path.join(folder, versions[-1]) if versions else None
