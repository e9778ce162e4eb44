"""One job, from extract to maps. This file is the order of the steps; each step has its own."""

import os
import resource
import shutil
from datetime import datetime, timezone
from typing import Any, Mapping

from .apart import apart
from .box import Box
from .extents import extents_text
from .land import LandSource
from .log import info, timed
from .mapfile import check_map
from .memory import heap_mib
from .merge import merge, sorted_extract
from .osm_land import write_opl
from .params import Params, parse_params
from .poi import write_pois
from .report import write_report
from .source import Source, fetch_area, get_boxes, get_source
from .styles import find_style
from .workspace import Workspace
from .writer import WriterJob, write_map


def run_fetch(place: Workspace, env: Mapping[str, str]) -> None:
    """The download alone, for the run that follows. Raises as run_job does."""
    params = parse_params(env)
    if params.area is None:
        return
    os.makedirs(place.fetched, exist_ok=True)
    fetch_area(params, params.area, place.fetched)


def run_job(place: Workspace, env: Mapping[str, str]) -> None:
    """Raises JobError or one of its kin; OUTPUT then holds nothing worth keeping."""
    params = parse_params(env)
    heap = heap_mib(env)
    mapping = find_style("mapping", params.tag_mapping, place)
    transform = find_style("transform", params.tag_transform, place)
    source = get_source(params, place)
    boxes = apart("the extract's extent", lambda: get_boxes(params, source))
    names = [source.name] if len(boxes) == 1 else [f"{source.name}-{number}" for number in range(1, len(boxes) + 1)]
    maps = list(zip(names, boxes))
    info("Job:Plan:Done", f"{source.label}: {', '.join(names)}", boxes=[box.as_list() for box in boxes], heapMiB=heap)
    facts: dict[str, Any] = {"type": params.type, "heapMiB": heap, **_data_time(source)}
    with timed("sort"):
        extract = source.path if params.skip_map and params.skip_poi else sorted_extract(source, place)
    if not params.skip_poi:
        with timed("poi"):
            facts["pois"] = apart("points of interest", lambda: _make_pois(maps, params, source, extract, place))
    if not params.skip_map:
        with timed("land"):
            facts["land"] = apart("land", lambda: _make_land(maps, params, extract, place))
        for name, box in maps:
            _make_map(name, box, params, source, extract, (mapping, transform), heap, place)
    facts.update(_spent())
    data_time = facts.get("dataTime")
    with open(os.path.join(place.output, f"{source.name}.extents.txt"), "w", encoding="utf-8") as file:
        file.write(extents_text(maps, source.report[0]["uri"], data_time))
    write_report(place.output, source.report, [{"name": name, "bbox": box.as_list()} for name, box in maps], facts)


def _make_pois(maps: list[tuple[str, Box]], params: Params, source: Source, extract: str, place: Workspace) -> dict[str, int]:
    """Writes NAME.poi of each box; returns how many points each holds."""
    targets = [(os.path.join(place.output, f"{name}.poi"), box) for name, box in maps]
    counts = {}
    for (name, _), count in zip(maps, write_pois(source, extract, targets, params.comment, place)):
        counts[name] = count
        info("Poi:Write:Done", f"{name}.poi holds {count} points of interest", count=count)
    return counts


def _make_land(maps: list[tuple[str, Box]], params: Params, extract: str, place: Workspace) -> dict[str, dict[str, Any]]:
    """Writes the land of each box as OSM objects; returns the facts about each."""
    land_source = LandSource(params.land, extract, place)
    facts = {}
    for name, box in maps:
        land = land_source.land(box)
        with open(_land_file(name, place), "w", encoding="ascii") as file:
            write_opl(file, land.polygons, box)
        facts[name] = land.facts
    return facts


def _land_file(name: str, place: Workspace) -> str:
    return os.path.join(place.scratch, f"{name}.land.opl")


def _make_map(
    name: str,
    box: Box,
    params: Params,
    source: Source,
    extract: str,
    styles: tuple[str | None, str | None],
    heap: int,
    place: Workspace,
) -> None:
    """Writes NAME.map from the extract and the land of its box."""
    merged = os.path.join(place.scratch, "merged.osm.pbf")
    target = os.path.join(place.output, f"{name}.map")
    with timed("merge"):
        merge(source, extract, _land_file(name, place), merged, place)
    with timed("write"):
        write_map(
            WriterJob(merged, target, box, params.type, params.threads, params.languages, *styles,
                      params.tag_values, params.comment, heap),
            place,
        )
    check_map(target, box)
    os.unlink(merged)


def _data_time(source: Source) -> dict[str, str]:
    if source.header.timestamp is None:
        return {}
    moment = datetime.fromtimestamp(source.header.timestamp, timezone.utc)
    return {"dataTime": moment.isoformat().replace("+00:00", "Z")}


def _spent() -> dict[str, float]:
    """CPU seconds of the job and of the tools it ran, and the peak memory of the largest of them."""
    own, tools = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + tools.ru_utime + tools.ru_stime
    return {"cpuSeconds": round(cpu, 2), "peakToolMiB": tools.ru_maxrss // 1024, "peakHandlerMiB": own.ru_maxrss // 1024}


def clear(folder: str) -> None:
    """Empties a folder: what a failed job wrote is not to be published."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
