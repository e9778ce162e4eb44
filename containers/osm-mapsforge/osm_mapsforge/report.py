"""OUTPUT/.longshore/report.json: what the receipt takes over. Never published."""

import json
import os
from typing import Any

from .log import timings


def write_report(output: str, sources: list[dict[str, Any]], boxes: list[dict[str, Any]], facts: dict[str, Any]) -> None:
    """`boxes` gives the asked box of each map: `{"name", "bbox": [west, south, east, north]}`."""
    folder = os.path.join(output, ".longshore")
    os.makedirs(folder, exist_ok=True)
    report = {"sources": sources, "boxes": boxes, "timings": timings(), "facts": facts}
    with open(os.path.join(folder, "report.json"), "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1, ensure_ascii=False)
        file.write("\n")
