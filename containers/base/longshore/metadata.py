"""Metadata files in the field's own formats, for handlers that know more of a granule than the task file does.

`Granule` says what is known; `stac_item` and `echo10` write it. Elements come in the order of the schemas:
STAC Item 1.1 (https://github.com/radiantearth/stac-spec) and ECHO 10 Granule.xsd (a sequence: another order is invalid).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

DayNight = Literal["DAY", "NIGHT", "BOTH", "UNSPECIFIED"]
#: west, south, east, north in degrees, WGS84; west is greater than east across the 180th meridian.
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Granule:
    """One granule and its files. Times are in UTC; those without a time zone are taken as UTC."""

    granule_ur: str
    short_name: str
    version: str
    begin: datetime
    #: The same as `begin` for what shows one moment.
    end: datetime
    box: Box | None = None
    files: Sequence[Path] = ()
    produced: datetime | None = None
    day_night: DayNight = "UNSPECIFIED"
    #: Name as its producer has it; the first file's when it is not given.
    producer_granule_id: str | None = None
    platform: str | None = None
    instrument: str | None = None
    data_format: str | None = None
    #: Names of the granules that it was made from.
    inputs: Sequence[str] = ()
    #: Further facts, one or more values each.
    attributes: Mapping[str, Sequence[str] | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if _utc(self.end) < _utc(self.begin):
            raise ValueError(f"{self.granule_ur} ends ({self.end}) before it begins ({self.begin})")
        if self.box is not None:
            west, south, east, north = self.box
            if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
                raise ValueError(f"the box of {self.granule_ur} is not on the Earth: {self.box}")


def write(path: Path | str, body: str) -> Path:
    """Writes a metadata file, whole or not at all."""
    path = Path(path)
    temp = path.with_name(f".{path.name}.part")
    temp.write_text(body, encoding="utf-8")
    return temp.rename(path)


def stac_item(granule: Granule) -> str:
    """A STAC Item, its assets the granule's files. JSON, two spaces."""
    extensions = ["https://stac-extensions.github.io/file/v2.1.0/schema.json"]
    begin, end, produced = _utc(granule.begin), _utc(granule.end), _produced(granule)
    properties: dict[str, object] = {
        "title": granule.granule_ur,
        # With a range, `datetime` is its begin: catalogues sort by it.
        "datetime": _iso(begin),
        **({} if begin == end else {"start_datetime": _iso(begin), "end_datetime": _iso(end)}),
        "created": _iso(produced),
        **({"platform": granule.platform} if granule.platform else {}),
        **({"instruments": [granule.instrument]} if granule.instrument else {}),
        **granule.attributes,
    }
    item = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": extensions,
        "id": granule.granule_ur.replace("/", "-"),
        **({"bbox": list(granule.box), "geometry": _geometry(granule.box)} if granule.box else {"geometry": None}),
        "properties": properties,
        "links": [],
        "assets": {file.name: _asset(file) for file in granule.files},
    }
    return json.dumps(item, ensure_ascii=False, indent=2) + "\n"


def echo10(granule: Granule) -> str:
    """An ECHO 10 granule, as archives name it: `NAME.meta.xml`, `NAME.cmr.xml` or `NAME.met`."""
    root = ET.Element("Granule")
    produced = _iso(_produced(granule))
    _add(root, "GranuleUR", granule.granule_ur)
    _add(root, "InsertTime", produced)
    _add(root, "LastUpdate", produced)
    collection = _add(root, "Collection")
    _add(collection, "ShortName", granule.short_name)
    _add(collection, "VersionId", granule.version)
    _data_granule(_add(root, "DataGranule"), granule, produced)
    _temporal(_add(root, "Temporal"), granule)
    if granule.box:
        _spatial(_add(root, "Spatial"), granule.box)
    _platforms(root, granule)
    if granule.attributes:
        _attributes(_add(root, "AdditionalAttributes"), granule.attributes)
    if granule.inputs:
        inputs = _add(root, "InputGranules")
        for name in granule.inputs:
            _add(inputs, "InputGranule", name)
    _add(root, "Orderable", "true")
    if granule.data_format:
        _add(root, "DataFormat", granule.data_format)
    _add(root, "Visible", "true")
    ET.indent(root, "  ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _data_granule(parent: ET.Element, granule: Granule, produced: str) -> None:
    sizes = [file.stat().st_size for file in granule.files]
    if sizes:
        _add(parent, "DataGranuleSizeInBytes", str(sum(sizes)))
        _add(parent, "SizeMBDataGranule", f"{sum(sizes) / 1e6:.6f}")
    # The schema has room for one: that of a granule with one file.
    if len(granule.files) == 1:
        checksum = _add(parent, "Checksum")
        _add(checksum, "Value", sha256(granule.files[0]))
        _add(checksum, "Algorithm", "SHA-256")
    name = granule.producer_granule_id or (granule.files[0].name if granule.files else None)
    if name:
        _add(parent, "ProducerGranuleId", name)
    _add(parent, "DayNightFlag", granule.day_night)
    _add(parent, "ProductionDateTime", produced)
    _add(parent, "LocalVersionId", granule.version)


def _temporal(parent: ET.Element, granule: Granule) -> None:
    begin, end = _utc(granule.begin), _utc(granule.end)
    if begin == end:
        _add(parent, "SingleDateTime", _iso(begin))
        return
    span = _add(parent, "RangeDateTime")
    _add(span, "BeginningDateTime", _iso(begin))
    _add(span, "EndingDateTime", _iso(end))


def _spatial(parent: ET.Element, box: Box) -> None:
    west, south, east, north = box
    geometry = _add(_add(parent, "HorizontalSpatialDomain"), "Geometry")
    rectangle = _add(geometry, "BoundingRectangle")
    _add(rectangle, "WestBoundingCoordinate", _degrees(west))
    _add(rectangle, "NorthBoundingCoordinate", _degrees(north))
    _add(rectangle, "EastBoundingCoordinate", _degrees(east))
    _add(rectangle, "SouthBoundingCoordinate", _degrees(south))


def _platforms(root: ET.Element, granule: Granule) -> None:
    if not granule.platform:
        return
    platform = _add(_add(root, "Platforms"), "Platform")
    _add(platform, "ShortName", granule.platform)
    if granule.instrument:
        instrument = _add(_add(platform, "Instruments"), "Instrument")
        _add(instrument, "ShortName", granule.instrument)


def _attributes(parent: ET.Element, attributes: Mapping[str, Sequence[str] | str]) -> None:
    for name, given in attributes.items():
        attribute = _add(parent, "AdditionalAttribute")
        _add(attribute, "Name", name)
        values = _add(attribute, "Values")
        for value in [given] if isinstance(given, str) else given:
            _add(values, "Value", value)


def _add(parent: ET.Element, name: str, text: str | None = None) -> ET.Element:
    element = ET.SubElement(parent, name)
    element.text = text
    return element


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _asset(file: Path) -> dict[str, object]:
    return {
        "href": f"./{file.name}",
        "roles": ["data"],
        "file:size": file.stat().st_size,
        # Multihash: 0x12 is SHA-256, 0x20 its length in bytes.
        "file:checksum": f"1220{sha256(file)}",
    }


def _geometry(box: Box) -> dict[str, object]:
    """RFC 7946 wants what crosses the 180th meridian cut there."""
    west, south, east, north = box
    if west <= east:
        return {"type": "Polygon", "coordinates": [_ring(west, south, east, north)]}
    parts = [[_ring(west, south, 180, north)], [_ring(-180, south, east, north)]]
    return {"type": "MultiPolygon", "coordinates": parts}


def _ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _degrees(value: float) -> str:
    # Seven places are a centimetre, and free of binary fractions' tails.
    return f"{value:.7f}".rstrip("0").rstrip(".")


def _produced(granule: Granule) -> datetime:
    return _utc(granule.produced or datetime.now(UTC))


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
