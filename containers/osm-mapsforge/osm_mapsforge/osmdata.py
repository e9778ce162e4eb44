"""osmdata's land polygons of the planet, fetched once, kept as an indexed FlatGeobuf in the cache.

The archive is 900 MB and changes daily; scanning it for every area is what the classic way spends its time on. All
jobs of a machine share one copy: a lock lets one fetch it, a rename makes it appear whole.
"""

import fcntl
import os
import time
import urllib.error
import urllib.request

from .errors import JobError, TryAgain
from .http import download
from .log import info
from .workspace import Workspace

DEFAULT_URL = "https://osmdata.openstreetmap.de/download/land-polygons-split-4326.zip"
FILE = "land-polygons-split-4326.fgb"
# Long enough for a slow handshake, short enough that a machine without network loses no time.
REACH_SECONDS = 5
# How long “can't be reached” is believed, so that a world list offline does not ask for every area.
UNREACHABLE_SECONDS = 900


class Unreachable(Exception):
    """osmdata can't be had now; the message says why."""


def url() -> str:
    return os.environ.get("OSM_MAPSFORGE_OSMDATA_URL", DEFAULT_URL)


def have(place: Workspace) -> str | None:
    """The cached file, if it is there."""
    path = os.path.join(place.cache or "", FILE)
    return path if place.cache and os.path.isfile(path) else None


def reachable(place: Workspace) -> None:
    """Asks the server once, within seconds. Raises Unreachable, also when the last answer is still fresh."""
    note = os.path.join(place.cache, "osmdata-unreachable") if place.cache else None
    if note and os.path.exists(note) and time.time() - os.path.getmtime(note) < UNREACHABLE_SECONDS:
        raise Unreachable("it could not be reached a few minutes ago")
    try:
        request = urllib.request.Request(url(), method="HEAD")
        with urllib.request.urlopen(request, timeout=REACH_SECONDS):
            return
    except (urllib.error.URLError, OSError) as error:
        if note:
            with open(note, "w", encoding="utf-8") as file:
                file.write(str(error))
        raise Unreachable(str(error)) from None


def fetch(place: Workspace) -> str:
    """The indexed file: from the cache, or fetched and converted.

    Without a cache folder it lands in the job's scratch folder. Raises TryAgain when the server fails.
    """
    folder = place.cache or place.scratch
    path = os.path.join(folder, FILE)
    with open(os.path.join(folder, FILE + ".lock"), "w", encoding="ascii") as lock:
        info("Land:Fetch:Wait", "waiting for the land polygons' lock", path=path)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isfile(path):
            return path
        archive = os.path.join(place.scratch, "land-polygons.zip")
        # The driver makes a folder of a name that does not end in .fgb. One name is enough: we hold the lock, and what
        # lies there is of a job that was killed.
        part = f"{path}.part.fgb"
        _remove(part)
        try:
            download(url(), archive, stage="land-download")
            info("Land:Convert:Start", "converting the land polygons to an indexed file", path=path)
            convert(archive, part)
            os.rename(part, path)
        finally:
            _remove(archive)
            _remove(part)
    return path


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.unlink(path)


def convert(source: str, target: str) -> None:
    """Any polygon file that GDAL reads, zipped or not, becomes a FlatGeobuf with a packed Hilbert R-tree."""
    from osgeo import gdal

    from .vector import _shapefile_in, gdal_path

    gdal.UseExceptions()
    try:
        done = gdal.VectorTranslate(
            target,
            _shapefile_in(gdal_path(source, "")),
            format="FlatGeobuf",
            layerCreationOptions=["SPATIAL_INDEX=YES", f"TEMPORARY_DIR={os.path.dirname(target)}"],
            geometryType="POLYGON",
            selectFields=[],
        )
        del done  # closes, and so finishes, the file
    except RuntimeError as error:
        raise JobError(f"the land polygons can't be converted: {error}") from None
    if not os.path.isfile(target):
        raise TryAgain("the land polygons came without a shapefile inside; try again later")
