"""Metadata files in the field's own formats, for handlers that know more of a granule than the task file does.

`Granule` says what is known of one file; `echo10` (`.cmr.xml`, `.meta.xml`), `ecs_met` (`.met`) and `stac_item`
(`.stac.json`) write it. The first two write what longshore's own writers (lib/tasks/metadata) write of the same granule, to
the byte: the order of elements is part of these formats.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

#: west, south, east, north in degrees, WGS84; west is greater than east across the 180th meridian.
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Parameter:
    """A variable that a catalogue should list."""

    name: str
    percent_missing: float = 0.0


@dataclass(frozen=True)
class Granule:
    """One granule and its file. Times are in UTC; those without a time zone are taken as UTC."""

    file: Path
    short_name: str
    version: str
    begin: datetime
    #: The same as `begin` for what shows one moment.
    end: datetime
    box: Box
    #: What it was made with: name and version.
    software: tuple[str, str]
    data_format: str
    #: Default: now.
    produced: datetime | None = None
    #: Lowest, highest, unit.
    vertical: tuple[float, float, str] | None = None
    #: Short names of platform and instrument.
    platform: tuple[str, str] | None = None
    campaign: str | None = None
    #: Names of the granules that it was made from.
    inputs: Sequence[str] = ()
    parameters: Sequence[Parameter] = ()
    #: Folder in which users will find the file.
    distribution_url: str | None = None

    def __post_init__(self) -> None:
        if _utc(self.end) < _utc(self.begin):
            raise ValueError(f"{self.file.name} ends ({self.end}) before it begins ({self.begin})")
        west, south, east, north = self.box
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise ValueError(f"the box of {self.file.name} is not on the Earth: {self.box}")


def write(path: Path | str, body: str) -> Path:
    """Writes a metadata file, whole or not at all."""
    path = Path(path)
    temp = path.with_name(f".{path.name}.part")
    temp.write_text(body, encoding="utf-8")
    return temp.rename(path)


# --- ECHO 10: XML. The schema (Granule.xsd) is a sequence. ---------------------------------------------------------

#: Text, nested elements in order, or nothing (left out).
_Xml: TypeAlias = "str | list[tuple[str, _Xml]] | None"


def echo10(granule: Granule) -> str:
    """An ECHO 10 granule, as archives send it to the Common Metadata Repository."""
    produced = _iso(_produced(granule))
    software, version = granule.software
    root: _Xml = [
        ("GranuleUR", granule.file.name[:250]),
        ("InsertTime", produced),
        ("LastUpdate", produced),
        ("Collection", [("ShortName", granule.short_name), ("VersionId", granule.version)]),
        ("DataGranule", _data_granule(granule, produced)),
        ("PGEVersionClass", [("PGEName", software), ("PGEVersion", version[:10])]),
        ("Temporal", [("RangeDateTime", _range(granule))]),
        ("Spatial", _spatial(granule)),
        ("MeasuredParameters", [("MeasuredParameter", _measured(one)) for one in granule.parameters]),
        ("Platforms", _platforms(granule)),
        ("Campaigns", granule.campaign and [("Campaign", [("ShortName", granule.campaign)])]),
        ("InputGranules", [("InputGranule", name) for name in granule.inputs]),
        ("OnlineAccessURLs", _access(granule)),
        ("Orderable", "true"),
        ("DataFormat", granule.data_format),
        ("Visible", "true"),
    ]
    lines = _element("Granule", root, "")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + "\n".join(lines) + "\n"


def _data_granule(granule: Granule, produced: str) -> _Xml:
    size = granule.file.stat().st_size
    return [
        ("DataGranuleSizeInBytes", str(size)),
        ("SizeMBDataGranule", f"{size / 1024**2:.6f}"),
        ("Checksum", [("Value", sha256(granule.file)), ("Algorithm", "SHA-256")]),
        ("ProducerGranuleId", granule.file.name[:128]),
        ("DayNightFlag", "UNSPECIFIED"),
        ("ProductionDateTime", produced),
    ]


def _range(granule: Granule) -> _Xml:
    return [("BeginningDateTime", _iso(_utc(granule.begin))), ("EndingDateTime", _iso(_utc(granule.end)))]


def _spatial(granule: Granule) -> _Xml:
    west, south, east, north = granule.box
    rectangle: _Xml = [
        ("WestBoundingCoordinate", _number(west)),
        ("NorthBoundingCoordinate", _number(north)),
        ("EastBoundingCoordinate", _number(east)),
        ("SouthBoundingCoordinate", _number(south)),
    ]
    return [
        ("VerticalSpatialDomains", _vertical(granule)),
        ("HorizontalSpatialDomain", [("Geometry", [("BoundingRectangle", rectangle)])]),
    ]


def _vertical(granule: Granule) -> _Xml:
    if granule.vertical is None:
        return None
    lowest, highest, unit = granule.vertical

    def domain(kind: str, value: float) -> tuple[str, _Xml]:
        return "VerticalSpatialDomain", [("Type", kind), ("Value", f"{_number(round(value, 4))} {unit}")]

    return [domain("Minimum Altitude", lowest), domain("Maximum Altitude", highest)]


def _measured(one: Parameter) -> _Xml:
    missing = _number(one.percent_missing)
    return [("ParameterName", one.name[:250]), ("QAStats", [("QAPercentMissingData", missing)])]


def _platforms(granule: Granule) -> _Xml:
    if granule.platform is None:
        return None
    platform, instrument = granule.platform
    instruments: _Xml = [("Instrument", [("ShortName", instrument)])]
    return [("Platform", [("ShortName", platform), ("Instruments", instruments)])]


def _access(granule: Granule) -> _Xml:
    if granule.distribution_url is None:
        return None
    # As JavaScript's encodeURIComponent leaves them.
    name = quote(granule.file.name, safe="!'()*~-._")
    url = f"{granule.distribution_url.rstrip('/')}/{name}"
    return [("OnlineAccessURL", [("URL", url), ("MimeType", "application/x-netcdf")])]


def _element(name: str, content: _Xml, indent: str) -> list[str]:
    """Elements without content are left out: the schema asks for at least one character."""
    if content is None or content == "" or content == []:
        return []
    if isinstance(content, str):
        return [f"{indent}<{name}>{_escape(content)}</{name}>"]
    inner = [line for child, text in content for line in _element(child, text, f"{indent}  ")]
    return [f"{indent}<{name}>", *inner, f"{indent}</{name}>"] if inner else []


_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _escape(text: str) -> str:
    """Characters that XML 1.0 cannot hold at all become U+FFFD."""
    return _NOT_XML.sub("\ufffd", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# --- ECS `.met`: Object Description Language. One group a class, one object an attribute. --------------------------

#: A group (name, CLASS, children), or an object (name, value).
_Odl: TypeAlias = "tuple[str, int | None, list[_Odl]] | tuple[str, str | float]"


def ecs_met(granule: Granule) -> str:
    """The `.met` file that accompanies a granule in ECS and its successors."""
    lines = _odl(("INVENTORYMETADATA", None, _inventory(granule)), 0)
    # The master group says so behind its own name.
    lines.insert(1, "  GROUPTYPE = MASTERGROUP")
    return "\n".join(lines) + "\nEND\n"


def _inventory(granule: Granule) -> list[_Odl]:
    west, south, east, north = granule.box
    size = round(granule.file.stat().st_size / 1024**2, 6)
    rectangle: list[_Odl] = [
        ("WESTBOUNDINGCOORDINATE", west),
        ("NORTHBOUNDINGCOORDINATE", north),
        ("EASTBOUNDINGCOORDINATE", east),
        ("SOUTHBOUNDINGCOORDINATE", south),
    ]
    horizontal: _Odl = ("HORIZONTALSPATIALDOMAINCONTAINER", None, [("BOUNDINGRECTANGLE", None, rectangle)])
    return [
        (
            "ECSDATAGRANULE",
            None,
            [
                ("LOCALGRANULEID", granule.file.name),
                ("PRODUCTIONDATETIME", _iso(_produced(granule))),
                ("DAYNIGHTFLAG", "Unspecified"),
                ("SIZEMBECSDATAGRANULE", size),
            ],
        ),
        (
            "COLLECTIONDESCRIPTIONCLASS",
            None,
            [("SHORTNAME", granule.short_name), ("VERSIONID", granule.version)],
        ),
        ("RANGEDATETIME", None, _odl_range(granule)),
        ("SPATIALDOMAINCONTAINER", None, [horizontal]),
        *_odl_platform(granule),
        ("PGEVERSIONCLASS", None, [("PGEVERSION", granule.software[1])]),
        ("INPUTGRANULE", None, [("INPUTPOINTER", ", ".join(granule.inputs))]),
        (
            "ADDITIONALATTRIBUTES",
            None,
            [_additional(1, "Checksum", sha256(granule.file)), _additional(2, "ChecksumAlgorithm", "SHA-256")],
        ),
    ]


def _odl_range(granule: Granule) -> list[_Odl]:
    """Dates and times of day are attributes of their own."""
    found: list[_Odl] = []
    for name, time in (("BEGINNING", granule.begin), ("ENDING", granule.end)):
        date, _, clock = _iso(_utc(time)).removesuffix("Z").partition("T")
        found += [(f"RANGE{name}DATE", date), (f"RANGE{name}TIME", clock)]
    return found


def _odl_platform(granule: Granule) -> list[_Odl]:
    if granule.platform is None:
        return []
    platform, instrument = granule.platform
    names: list[_Odl] = [
        ("ASSOCIATEDPLATFORMSHORTNAME", platform),
        ("ASSOCIATEDINSTRUMENTSHORTNAME", instrument),
        ("ASSOCIATEDSENSORSHORTNAME", instrument),
    ]
    group = "ASSOCIATEDPLATFORMINSTRUMENTSENSOR"
    return [(group, None, [(f"{group}CONTAINER", 1, names)])]


def _additional(number: int, name: str, value: str) -> _Odl:
    content: list[_Odl] = [
        ("ADDITIONALATTRIBUTENAME", name),
        ("INFORMATIONCONTENT", number, [("PARAMETERVALUE", value)]),
    ]
    return "ADDITIONALATTRIBUTESCONTAINER", number, content


def _odl(one: _Odl, depth: int) -> list[str]:
    pad = "  " * depth
    if len(one) == 2:
        name, value = one
        # A text cannot hold the quote that ends it.
        text = '"' + value.replace('"', "'") + '"' if isinstance(value, str) else _number(value)
        return [f"{pad}OBJECT = {name}", f"{pad}  NUM_VAL = 1", f"{pad}  VALUE = {text}", f"{pad}END_OBJECT = {name}"]
    name, number, children = one
    head = [f"{pad}GROUP = {name}"] + ([] if number is None else [f'{pad}  CLASS = "{number}"'])
    inner = [line for child in children for line in _odl(child, depth + 1)]
    return [*head, *inner, f"{pad}END_GROUP = {name}"]


# --- STAC Item 1.1: GeoJSON. ---------------------------------------------------------------------------------------


def stac_item(granule: Granule) -> str:
    """A STAC Item with the file as its asset. JSON, two spaces."""
    begin, end = _iso(_utc(granule.begin)), _iso(_utc(granule.end))
    properties: dict[str, object] = {
        "title": granule.file.name,
        # With a range, `datetime` is its begin: catalogues sort by it.
        "datetime": begin,
        **({} if begin == end else {"start_datetime": begin, "end_datetime": end}),
        "created": _iso(_produced(granule)),
        **({"platform": granule.platform[0], "instruments": [granule.platform[1]]} if granule.platform else {}),
        "processing:software": dict([granule.software]),
    }
    item = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/file/v2.1.0/schema.json",
            "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
        ],
        "id": granule.file.stem,
        "bbox": list(granule.box),
        "geometry": _geometry(granule.box),
        "properties": properties,
        "links": [],
        "assets": {granule.file.name: _asset(granule.file)},
    }
    return json.dumps(item, ensure_ascii=False, indent=2) + "\n"


def _asset(file: Path) -> dict[str, object]:
    return {
        "href": f"./{quote(file.name)}",
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


# --- What they share. ----------------------------------------------------------------------------------------------


def sha256(path: Path) -> str:
    """Hex, of a file that is never whole in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _number(value: float) -> str:
    """`10`, not `10.0`; else the shortest that reads back as the same, without an exponent."""
    return str(int(value)) if float(value).is_integer() else f"{Decimal(repr(float(value))):f}"


def _produced(granule: Granule) -> datetime:
    return _utc(granule.produced or datetime.now(UTC))


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
