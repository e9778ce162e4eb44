"""Extract and land become one sorted stream, uncompressed: the writer would only have to inflate it again."""

import os

from .errors import BadInput
from .log import info
from .source import Source
from .tools import ToolFailed, run
from .workspace import Workspace

# Versions, times and users of objects are no part of a map; without them Java has a third less to parse.
PLAIN = "pbf,pbf_compression=none,add_metadata=false"


def sorted_extract(source: Source, place: Workspace) -> str:
    """The extract, sorted by kind and id: as it came if it is, else a sorted copy.

    Raises BadInput when the data can't be read.
    """
    if source.header.sorted:
        return source.path
    try:
        ordered = run(place, "osmium", "fileinfo", "--no-progress", "-e", "-g", "data.objects_ordered", source.path)
        if ordered.decode().strip() == "yes":
            return source.path
        info("Source:Sort:Start", f"{source.label} is not sorted: sorting it")
        path = os.path.join(place.scratch, "sorted.osm.pbf")
        # Three passes, one kind of object each: a third of the memory of one.
        run(place, "osmium", "sort", "--no-progress", "-s", "multipass", "-o", path, source.path)
        return path
    except ToolFailed as error:
        raise unreadable(source, error) from None


def merge(source: Source, extract: str, land: str, target: str, place: Workspace) -> None:
    """Writes extract and land (OPL) to `target`. Raises BadInput when the extract can't be read."""
    try:
        run(place, "osmium", "merge", "--no-progress", "-f", PLAIN, "-o", target, extract, land)
    except ToolFailed as error:
        raise unreadable(source, error) from None


def unreadable(source: Source, error: ToolFailed) -> BadInput:
    """The form of the file was checked before, so what osmium can't read is damage inside a blob, or an order it can't merge."""
    if "out of order" in error.said:
        return BadInput(
            f"{source.label} has objects out of order, in spite of its header, or with negative ids: "
            "put it right with osmium sort, or osmium renumber"
        )
    return BadInput(f"{source.label} can't be read ({error.said.splitlines()[-1] if error.said else error}); fetch it again")
