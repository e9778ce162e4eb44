"""Log lines: one JSON object a line on stdout, with the fields that all of longshore's logs have (docs/logs.md).

    logger.info("Granule:Convert:Done", "converted 12 variables", variables=12)
    {"time": "2026-11-24T09:00:00.000Z", "level": "info", "event": "Granule:Convert:Done",
     "message": "converted 12 variables", "job": "…", "run": "…", "task": "…", "attempt": 1, "name": "…",
     "process": "convert", "variables": 12}
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic
from typing import Literal, TextIO

Level = Literal["debug", "info", "warn", "error"]

_RANK: dict[str, int] = {"debug": 0, "info": 1, "warn": 2, "error": 3}
#: Field of a line, and the variable that the pipeline starts every container with.
_CONTEXT = {
    "job": "LONGSHORE_JOB",
    "run": "LONGSHORE_RUN",
    "task": "LONGSHORE_TASK",
    "attempt": "LONGSHORE_ATTEMPT",
    "name": "LONGSHORE_NAME",
}


class Logger:
    """Writes lines with fields of its own on each. `bind` gives another one with more of them."""

    def __init__(self, fields: Mapping[str, object] | None = None, stream: TextIO | None = None) -> None:
        self._fields = dict(fields or {})
        self._stream = stream

    def bind(self, **fields: object) -> Logger:
        """The same log with these fields on every line: `logger.bind(granule="A2026001", process="convert")`."""
        return Logger({**self._fields, **fields}, self._stream)

    def debug(self, event: str, message: str = "", **fields: object) -> None:
        """Only with LONGSHORE_LOG_LEVEL=debug."""
        self._write("debug", event, message, fields)

    def info(self, event: str, message: str = "", **fields: object) -> None:
        """`event` is `Noun:Verb:State`; `message` is for people."""
        self._write("info", event, message, fields)

    def warn(self, event: str, message: str = "", **fields: object) -> None:
        self._write("warn", event, message, fields)

    def error(self, event: str, message: str = "", **fields: object) -> None:
        self._write("error", event, message, fields)

    def progress(
        self,
        stage: str,
        percent: float | None = None,
        done_bytes: int | None = None,
        total_bytes: int | None = None,
    ) -> None:
        """How far it is: `longshore run` and `up` show it. `percent` is 0 to 100."""
        known = {"percent": percent, "bytes": done_bytes, "totalBytes": total_bytes}
        told = {name: value for name, value in known.items() if value is not None}
        self._write("info", "Progress", "", {"stage": stage, **told})

    @contextmanager
    def timed(self, event: str, **fields: object) -> Iterator[None]:
        """`event` is `Noun:Verb`; the end is told as `…:Done`, or `…:Failed`, with `seconds`."""
        begun = monotonic()
        try:
            yield
        except BaseException as error:
            self.error(f"{event}:Failed", str(error), seconds=round(monotonic() - begun, 3), **fields)
            raise
        self.info(f"{event}:Done", "", seconds=round(monotonic() - begun, 3), **fields)

    def _write(self, level: Level, event: str, message: str, fields: Mapping[str, object]) -> None:
        if _RANK[level] < _RANK.get(os.environ.get("LONGSHORE_LOG_LEVEL", "info"), 1):
            return
        line: dict[str, object] = {"time": _now(), "level": level, "event": event}
        if message:
            line["message"] = message
        line |= {**context(), **self._fields, **fields}
        # Asked for now: tests and others put another stdout in its place.
        stream = self._stream or sys.stdout
        stream.write(json.dumps(_plain(line), ensure_ascii=False, allow_nan=False) + "\n")
        stream.flush()


def context() -> dict[str, object]:
    """What is known of the job that runs: job, run, task, attempt, name. Empty outside the pipeline."""
    found: dict[str, object] = {name: os.environ[env] for name, env in _CONTEXT.items() if os.environ.get(env)}
    attempt = str(found.get("attempt", ""))
    if attempt.isdigit():
        found["attempt"] = int(attempt)
    found["process"] = Path(sys.argv[0]).stem or "python"
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: object) -> object:
    """What JSON can say. NaN and infinity become text: a line that is no JSON would not be found again."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    # numpy's scalars
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) == ():
        return _plain(item())
    return str(value)


logger = Logger()
bind = logger.bind
debug = logger.debug
info = logger.info
warn = logger.warn
error = logger.error
progress = logger.progress
timed = logger.timed
