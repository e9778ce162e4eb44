"""Log lines: one JSON object a line on stdout, the last word of a failure on stderr."""

import json
import sys
import time
from contextlib import contextmanager
from typing import Any, Iterator

_timings: dict[str, float] = {}


def log(level: str, event: str, message: str, **fields: Any) -> None:
    """Writes one line. `event` is `Noun:Verb:State`."""
    line = {"level": level, "event": event, "message": message, **fields}
    print(json.dumps(line, ensure_ascii=False), flush=True)


def info(event: str, message: str, **fields: Any) -> None:
    log("info", event, message, **fields)


def warn(event: str, message: str, **fields: Any) -> None:
    log("warn", event, message, **fields)


def progress(stage: str, **fields: Any) -> None:
    """A progress line: `percent` (0–100) or `bytes` and `totalBytes`, as known."""
    print(json.dumps({"level": "info", "event": "Progress", "stage": stage, **fields}), flush=True)


def last_word(message: str) -> None:
    """The reason a user reads: the last line on stderr."""
    print(" ".join(message.split()), file=sys.stderr, flush=True)


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Adds the wall seconds of a stage to `timings()`, also when it fails."""
    start = time.monotonic()
    try:
        yield
    finally:
        _timings[stage] = round(_timings.get(stage, 0.0) + time.monotonic() - start, 3)


def took(stage: str, seconds: float) -> None:
    """A stage that another process has timed."""
    _timings[stage] = seconds


def timings() -> dict[str, float]:
    """Wall seconds by stage, so far."""
    return dict(_timings)
