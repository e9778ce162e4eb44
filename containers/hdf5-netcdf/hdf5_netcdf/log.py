"""Log lines: one JSON object a line on stdout, the last word of a failure on stderr."""

import json
import sys
from typing import Any


def log(level: str, event: str, message: str, **fields: Any) -> None:
    """Writes one line. `event` is `Noun:Verb:State`."""
    line = {"level": level, "event": event, "message": message, **fields}
    print(json.dumps(line, ensure_ascii=False), flush=True)


def info(event: str, message: str, **fields: Any) -> None:
    log("info", event, message, **fields)


def warn(event: str, message: str, **fields: Any) -> None:
    log("warn", event, message, **fields)


def last_word(message: str) -> None:
    """The reason a user reads: the last line on stderr."""
    print(" ".join(message.split()), file=sys.stderr, flush=True)
