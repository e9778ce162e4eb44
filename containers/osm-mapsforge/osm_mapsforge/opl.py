"""Reads OPL, osmium's text form: one object a line, fields parted by spaces, odd characters as %hex%."""

import re
from dataclasses import dataclass, field
from typing import Iterator

_ESCAPED = re.compile(r"%([0-9a-fA-F]{1,6})%")


@dataclass
class OplObject:
    """A node (`place` given) or a way (`nodes` given). Longitude comes first."""

    kind: str
    id: int
    tags: dict[str, str] = field(default_factory=dict)
    place: tuple[float, float] | None = None
    nodes: list[int] = field(default_factory=list)


def read_opl(text: str) -> Iterator[OplObject]:
    """Nodes without a place (deleted ones) have None."""
    for line in text.splitlines():
        first, *words = line.split(" ")
        found = OplObject(first[0], int(first[1:]))
        x = y = ""
        for word in words:
            if word[:1] == "T":
                found.tags = _tags(word[1:])
            elif word[:1] == "N":
                found.nodes = [int(ref[1:].split("x")[0]) for ref in word[1:].split(",") if ref]
            elif word[:1] == "x":
                x = word[1:]
            elif word[:1] == "y":
                y = word[1:]
        if x and y:
            found.place = (float(x), float(y))
        yield found


def _tags(text: str) -> dict[str, str]:
    pairs = (pair.split("=", 1) for pair in text.split(",") if pair)
    return {_plain(key): _plain(value) for key, value in pairs}


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
