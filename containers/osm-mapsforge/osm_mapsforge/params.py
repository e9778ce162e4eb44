"""The job's parameters: environment variables, parsed into real types once, at the edge."""

import os
import re
from dataclasses import dataclass
from typing import Mapping

from .box import Box, boxes
from .errors import BadInput

DEFAULT_MIRROR = "https://download.geofabrik.de"
# The writer keeps one tile's geometry per thread in memory; beyond two its queue is the limit, not the CPU.
MOST_DEFAULT_THREADS = 2
MOST_THREADS = 64
LAND_NAMES = ("auto", "osmdata", "gshhg", "coastline")
LAND_SUFFIXES = (".fgb", ".gpkg", ".shp", ".zip")
# A one-byte length would be enough for the map's header; readers show a comment on one line.
MOST_COMMENT = 500

_AREA = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


@dataclass(frozen=True)
class Params:
    """What was asked, with the defaults filled in."""

    area: str | None
    mirror: str
    type: str
    languages: tuple[str, ...]
    threads: int
    tag_mapping: str
    tag_transform: str
    tag_values: bool
    comment: str | None
    skip_map: bool
    skip_poi: bool
    bbox: tuple[Box, ...]
    land: str


def parse_params(env: Mapping[str, str]) -> Params:
    """Reads the parameters from an environment.

    Raises BadInput naming parameter, value and what would be right. FRESHNESS is the pipeline's, not ours.
    """
    return Params(
        area=_area(env.get("AREA")),
        mirror=_mirror(env.get("MIRROR", DEFAULT_MIRROR)),
        type=_one_of("TYPE", env.get("TYPE", "ram"), ("ram", "hd")),
        languages=_languages(env.get("LANGUAGES", "")),
        threads=_threads(env.get("THREADS")),
        tag_mapping=env.get("TAG_MAPPING") or "bike",
        tag_transform=env.get("TAG_TRANSFORM") or "bike",
        tag_values=_flag("TAG_VALUES", env.get("TAG_VALUES", "false")),
        comment=_comment(env.get("COMMENT")),
        skip_map=_flag("SKIP_MAP", env.get("SKIP_MAP", "false")),
        skip_poi=_flag("SKIP_POI", env.get("SKIP_POI", "false")),
        bbox=_bbox(env.get("BBOX")),
        land=_land(env.get("LAND") or "auto"),
    )


def _bad(name: str, value: str, wanted: str) -> BadInput:
    return BadInput(f"bad parameter {name}=“{value}”: {wanted}")


def _area(value: str | None) -> str | None:
    if not value:
        return None
    if not _AREA.fullmatch(value):
        raise _bad("AREA", value, "give a Geofabrik id such as europe/monaco")
    return value


def _mirror(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s?#]+", value):
        raise _bad("MIRROR", value, f"give an http(s) address such as {DEFAULT_MIRROR}")
    return value.rstrip("/")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise _bad(name, value, f"give one of {', '.join(allowed)}")
    return value


def _flag(name: str, value: str) -> bool:
    return _one_of(name, value, ("true", "false")) == "true"


def _languages(value: str) -> tuple[str, ...]:
    if not value:
        return ()
    languages = tuple(value.split(","))
    for language in languages:
        if not _LANGUAGE.fullmatch(language):
            raise _bad("LANGUAGES", value, f"“{language}” is no language code; give codes such as en,de")
    if len(set(languages)) < len(languages):
        raise _bad("LANGUAGES", value, "a language stands there twice; name each once")
    return languages


def _threads(value: str | None) -> int:
    if not value:
        return min(MOST_DEFAULT_THREADS, len(os.sched_getaffinity(0)))
    if not re.fullmatch(r"[0-9]{1,3}", value) or not 1 <= int(value) <= MOST_THREADS:
        raise _bad("THREADS", value, f"give a whole number from 1 to {MOST_THREADS}")
    return int(value)


def _comment(value: str | None) -> str | None:
    if not value:
        return None
    if len(value) > MOST_COMMENT or not value.isprintable():
        raise _bad("COMMENT", value[:40] + "…", f"give one line of at most {MOST_COMMENT} characters")
    return value


def _bbox(value: str | None) -> tuple[Box, ...]:
    if not value:
        return ()
    try:
        west, south, east, north = (float(part) for part in value.split(","))
        return tuple(boxes(west, south, east, north))
    except ValueError:
        raise _bad(
            "BBOX",
            value,
            "give west,south,east,north in degrees, south below north; west may exceed east across the 180th meridian",
        ) from None


def _land(value: str) -> str:
    if value in LAND_NAMES:
        return value
    if value.split("?")[0].lower().endswith(LAND_SUFFIXES):
        return value
    raise _bad("LAND", value, f"give {', '.join(LAND_NAMES)}, or the path or address of a {'/'.join(LAND_SUFFIXES)} file")
