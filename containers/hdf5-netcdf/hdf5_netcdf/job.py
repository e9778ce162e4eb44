"""The order of the steps: find the granules, convert each, tell what was made."""

import json
import os
from typing import Any

from .convert import convert
from .errors import BadInput
from .log import info, warn
from .params import Params

ENDINGS = (".hdf5", ".h5", ".he5", ".hdf")


def granules_in(folder: str) -> tuple[list[str], list[str]]:
    """Paths of the granules, and the names of what else is there. Raises BadInput when there is no granule."""
    names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    found = [name for name in names if name.lower().endswith(ENDINGS)]
    others = [name for name in names if name not in found]
    if not found:
        raise BadInput(f"There is no granule ({', '.join('*' + one for one in ENDINGS)}) among: {', '.join(others) or 'nothing'}")
    stems: dict[str, str] = {}
    for name in found:
        first = stems.setdefault(os.path.splitext(name)[0], name)
        if first != name:
            raise BadInput(f"{first} and {name} would both become {os.path.splitext(name)[0]}.nc")
    return [os.path.join(folder, name) for name in found], others


def run_job(source: str, output: str, params: Params) -> None:
    paths, others = granules_in(source)
    told = []
    for path in paths:
        one = convert(path, output, params)
        for note in one["notes"]:
            warn("Granule:Convert:Note", note, file=one["file"])
        for name, reason in one["notCarried"].items():
            warn("Variable:Carry:Failed", f"{name} is not carried over: {reason}", file=one["file"])
        info("Granule:Convert:Done", f"{one['file']}: {one['dimensions']['time']} profiles", file=one["file"],
             product=one["product"], dimensions=one["dimensions"])
        told.append(one)
    write_report(output, told, others)


def write_report(output: str, granules: list[dict[str, Any]], others: list[str]) -> None:
    """`OUTPUT/.longshore/report.json`: what checks, metadata and the receipt go by. Never published."""
    folder = os.path.join(output, ".longshore")
    os.makedirs(folder, exist_ok=True)
    boxes = [{"name": os.path.splitext(one["file"])[0], "bbox": box} for one in granules for box in one["boxes"]]
    report = {"boxes": boxes, "facts": {"granules": granules, **({"companions": others} if others else {})}}
    with open(os.path.join(folder, "report.json"), "w", encoding="utf-8") as file:
        # The limit of a report is 1 MiB, and a granule may be of a hundred files.
        json.dump(report, file, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        file.write("\n")
