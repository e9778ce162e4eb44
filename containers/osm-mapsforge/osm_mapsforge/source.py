"""Where the extract comes from: the dropped file, or an area of a mirror laid out like Geofabrik's."""

import json
import os
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .box import Box
from .errors import BadInput
from .extent import data_boxes, goes_round, may_cross
from .http import NotThere, download, text
from .log import info, timed, timings, took, warn
from .params import Params
from .pbf import PbfHeader, read_pbf
from .poly import bounds, parse_poly
from .workspace import Workspace

SUFFIX = ".osm.pbf"
# What was fetched, in a folder: the extract, and what the report and the maps' bounds need to know of it, written last.
EXTRACT = "extract.osm.pbf"
ABOUT = "extract.json"


@dataclass(frozen=True)
class Source:
    """The extract on disk, what it is called in messages, and the report's lines about it."""

    path: str
    label: str
    name: str
    header: PbfHeader
    poly_boxes: tuple[Box, ...]
    report: list[dict[str, Any]]


def get_source(params: Params, place: Workspace) -> Source:
    """Raises BadInput for what is no map data, TryAgain when the mirror is down."""
    files = sorted(name for name in os.listdir(place.input) if name.endswith(SUFFIX))
    if params.area is not None:
        return _from_mirror(params, params.area, place)
    if len(files) != 1:
        found = ", ".join(os.listdir(place.input)) or "nothing"
        raise BadInput(f"the input folder must hold one {SUFFIX} file, or AREA must name an area; found {found}")
    return _dropped(files[0], place)


def _dropped(file: str, place: Workspace) -> Source:
    path = os.path.join(place.input, file)
    name = file[: -len(SUFFIX)]
    if not name:
        raise BadInput(f"{file} has no name before {SUFFIX}; name it after its area")
    stat = os.stat(path)
    modified = datetime.fromtimestamp(int(stat.st_mtime), timezone.utc).isoformat().replace("+00:00", "Z")
    report = {"uri": file, "bytes": stat.st_size, "lastModified": modified}
    return Source(path, file, name, read_pbf(path, file), (), [report])


def _from_mirror(params: Params, area: str, place: Workspace) -> Source:
    """From where `--fetch` left it; by itself where nobody has."""
    folder = place.fetched
    if not os.path.exists(os.path.join(folder, ABOUT)):
        folder = place.scratch
        fetch_area(params, area, folder)
    path, label = os.path.join(folder, EXTRACT), f"{area}-latest{SUFFIX}"
    with open(os.path.join(folder, ABOUT), encoding="utf-8") as file:
        about = json.load(file)
    took("download", about["seconds"])
    poly_boxes = tuple(Box(*box) for box in about["boxes"])
    return Source(path, label, area.rsplit("/", 1)[-1], read_pbf(path, label), poly_boxes, about["report"])


def fetch_area(params: Params, area: str, folder: str) -> None:
    """Brings an area's extract to a folder. Raises BadInput for an area that is not there, TryAgain when the mirror is down."""
    base = f"{params.mirror}/{area}"
    address = f"{base}-latest{SUFFIX}"
    boxes: tuple[Box, ...] = ()
    report: list[dict[str, Any]] = []
    with timed("download"):
        if not params.bbox:
            boxes = _poly_boxes(f"{base}.poly", report)
        fetched = _checked(address, os.path.join(folder, EXTRACT), area, params.mirror)
    report.insert(0, {"uri": address, **fetched})
    with open(os.path.join(folder, ABOUT), "w", encoding="utf-8") as file:
        json.dump({"boxes": [box.as_list() for box in boxes], "report": report, "seconds": timings()["download"]}, file)


def _poly_boxes(address: str, report: list[dict[str, Any]]) -> tuple[Box, ...]:
    try:
        content = text(address)
    except NotThere:
        # Whether the area exists is told by its extract; some mirrors have no .poly files.
        warn("Source:Bounds:Missing", f"{address} is not there; the bounds come from the extract", uri=address)
        return ()
    report.append({"uri": address, "bytes": len(content.encode())})
    return tuple(bounds(parse_poly(content, address)))


def _checked(address: str, path: str, area: str, mirror: str) -> dict[str, Any]:
    """Downloads and compares with the .md5 beside it; a difference is worth one more download.

    “latest” is replaced daily: file and sum may be of different days when they are fetched at the wrong moment.
    """
    for attempt in (1, 2):
        try:
            fetched = download(address, path, stage="download")
        except NotThere:
            raise BadInput(f"unknown area “{area}”: {mirror} has no {area}-latest{SUFFIX}; see the mirror's index") from None
        wanted = _md5(f"{address}.md5")
        if wanted is None or wanted == fetched.md5:
            info("Source:Download:Done", f"{address} is here", bytes=fetched.bytes, md5=fetched.md5)
            return {
                "bytes": fetched.bytes,
                "md5": fetched.md5,
                "sha256": fetched.sha256,
                **({"lastModified": fetched.last_modified} if fetched.last_modified else {}),
            }
        warn("Source:Checksum:Differs", f"md5 is {fetched.md5}, should be {wanted}", uri=address, attempt=attempt)
    raise BadInput(f"wrong md5: {address} has {fetched.md5}, its .md5 says {wanted}, in two downloads; tell the mirror")


def _md5(address: str) -> str | None:
    try:
        content = text(address)
    except NotThere:
        warn("Source:Checksum:Missing", f"{address} is not there; the download is not checked", uri=address)
        return None
    match = re.match(r"\s*([0-9a-fA-F]{32})\b", content)
    if not match:
        raise BadInput(f"{address} holds no md5 sum (“{content[:40].strip()}”); tell the mirror")
    return match.group(1).lower()


def get_boxes(params: Params, source: Source) -> list[Box]:
    """The boxes to make maps of: BBOX, else the .poly's, else the header's, else where the data lies."""
    if params.bbox:
        return list(params.bbox)
    if source.poly_boxes:
        return list(source.poly_boxes)
    told = source.header.box
    if told and not may_cross(told):
        return [told]
    why = f"bounds {told.width:.0f}° wide in its header" if told else "no bounds in its header"
    info("Source:Bounds:Scan", f"{source.label} has {why}: reading its nodes for where the data lies")
    found = data_boxes(source.path, source.label, told, nodes_first=source.header.sorted)
    # Bounds that end somewhere are meant so, unless the two sides of the 180th meridian are all that is in them.
    return [told] if told and len(found) == 1 and not goes_round(told) else found
