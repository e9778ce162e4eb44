"""Runs osmosis with the mapsforge map writer: one JVM for one map."""

import os
import re
import select
import signal
import subprocess
from dataclasses import dataclass
from typing import IO

from .box import Box
from .errors import BadInput, JobError, OutOfMemory
from .gcwatch import GcWatch
from .jars import class_path
from .log import info, progress
from .memory import MIB, killed_for_memory, oom_kills
from .prepare import MAIN, SHORTCUT, prepared_folder, take_out_ocean_tiles
from .tools import die_with_parent
from .workspace import FULL_DISK, Workspace, disk_full
from .zooms import zoom_intervals

# Above this size of the merged (uncompressed) input the optimising compiler and the parallel collector earn back what
# they cost. Measured on 2 cores: a 4 MB extract (8 MB merged) is faster without, a 24 MB one (60 MB merged) with.
BIG_INPUT_BYTES = 40 * MIB
# ExitOnOutOfMemoryError ends the JVM with this code.
EXIT_OUT_OF_MEMORY = 3
LAST_LINES = 60
WATCH_SECONDS = 1.0
# Base zooms 5, 10, and 14 or 12 (zooms.py).
ZOOM_INTERVALS = 3

_STEP = re.compile(r"written (\d+)% of sub file for zoom interval (\d+)")
_TROUBLE = re.compile(r"^SEVERE: |^Exception in thread |^Caused by: |OutOfMemoryError")


@dataclass(frozen=True)
class WriterJob:
    """What one map is made of. `mapping` None is the writer's own; `transform` None leaves tags alone."""

    source: str
    target: str
    box: Box
    type: str
    threads: int
    languages: tuple[str, ...]
    mapping: str | None
    transform: str | None
    tag_values: bool
    comment: str | None
    heap_mib: int


# Of small inputs the garbage is small too: a heap that starts small and a small nursery halve the peak memory (Malta:
# 478 → 253 MB) at the same CPU time. By default the heap grows until 40 % of it are free: when a full collection met
# Malta's data at its largest, that took 320 MB, every third run. With 30 % it is 247 MB in every run.
SMALL = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xms64m", "-Xmn24m", "-XX:MinHeapFreeRatio=30"]
BIG = ["-XX:+UseParallelGC", "-XX:+UseGCOverheadLimit"]


def overlay() -> str:
    """How JTS cuts ways to tiles, chosen by OSM_MAPSFORGE_OVERLAY.

    `shortcut`: as ever, but ways inside one tile are not cut (`java/`): the same bytes for an eighth less CPU.
    `old`: as ever, to compare with. `ng`: JTS's newer overlay saves a quarter. Areas and objects are the same, yet
    rings start at other points, so simplified shapes in overview zooms differ by a pixel: not the default, as equal
    input should give equal tiles.
    """
    value = os.environ.get("OSM_MAPSFORGE_OVERLAY", "shortcut")
    if value not in ("shortcut", "old", "ng"):
        raise BadInput(f"OSM_MAPSFORGE_OVERLAY=“{value}”: give shortcut, old or ng")
    return value


def jvm_options(job: WriterJob, scratch: str, gc_log: str) -> list[str]:
    """Options by the size of the input, and those that make the JVM end rather than linger."""
    small = SMALL if job.heap_mib > 64 else [option for option in SMALL if not option.startswith("-Xm")]
    return [
        f"-Xmx{job.heap_mib}m",
        *(BIG if os.path.getsize(job.source) > BIG_INPUT_BYTES else small),
        *_class_path(scratch),
        f"-Djts.overlay={'ng' if overlay() == 'ng' else 'old'}",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",  # else it writes to /tmp, which may be read-only
        f"-XX:ErrorFile={scratch}/hs_err_%p.log",
        f"-Djava.io.tmpdir={scratch}",
        "-Djava.awt.headless=true",
        f"-Xlog:gc:file={gc_log}:uptime",
    ]


def _class_path(scratch: str) -> list[str]:
    """Prepared (with its archive) as in the image, or Debian's jars with the ocean tiles taken out first."""
    prepared = prepared_folder()
    if prepared:
        jars = class_path(os.path.join(prepared, "jars"))[0]
        if overlay() == "shortcut":
            jars.insert(0, os.path.join(prepared, SHORTCUT))
        archive = os.path.join(prepared, "writer.jsa")
        # A JVM other than the image's, or another class path, can't use the archive; classes are then loaded as ever.
        sharing = [f"-XX:SharedArchiveFile={archive}", "-Xshare:auto", "-Xlog:disable", "-Xlog:all=error:stderr"]
        return [*sharing, "-cp", ":".join([*jars, os.path.join(prepared, "ocean")])]
    jars, missing = class_path()
    if missing:
        raise JobError(f"the writer's jars are missing: {', '.join(missing)}; run with --check-tools")
    ocean = os.path.join(scratch, "ocean")
    take_out_ocean_tiles(jars, ocean)
    return ["-cp", ":".join([ocean, *jars])]


def osmosis_arguments(job: WriterJob) -> list[str]:
    """The pipeline: read, transform tags, write."""
    box = job.box
    transform = ["--tag-transform", f"file={job.transform}"] if job.transform else []
    intervals = zoom_intervals(box, os.path.getsize(job.source))
    arguments = {
        "file": job.target,
        "bbox": f"{box.south:.6f},{box.west:.6f},{box.north:.6f},{box.east:.6f}",
        "type": job.type,
        "threads": str(job.threads),
        "tag-values": str(job.tag_values).lower(),
        **({"preferred-languages": ",".join(job.languages)} if job.languages else {}),
        **({"tag-conf-file": job.mapping} if job.mapping else {}),
        **({"comment": job.comment} if job.comment else {}),
        **({"zoom-interval-conf": intervals} if intervals else {}),
    }
    write = ["--mapfile-writer", *(f"{name}={value}" for name, value in arguments.items())]
    return ["--read-pbf-fast", f"file={job.source}", "workers=1", *transform, *write]


def write_map(job: WriterJob, place: Workspace) -> None:
    """Writes the map. Whether it is whole is checked by `check_map`.

    Raises OutOfMemory (heap, kernel or endless collection), the failure for a full disk, else JobError.
    """
    gc_log = os.path.join(place.scratch, "gc.log")
    java = os.path.join(os.environ.get("JAVA_HOME", ""), "bin", "java") if os.environ.get("JAVA_HOME") else "java"
    command = [java, *jvm_options(job, place.scratch, gc_log), MAIN, *osmosis_arguments(job)]
    watch = GcWatch(gc_log)
    kills = oom_kills()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=place.scratch,
            preexec_fn=die_with_parent,
        )
    except FileNotFoundError:
        raise JobError("java is not installed; run with --check-tools for what is missing") from None
    said, spun = _follow(process, watch)
    _judge(process.returncode, said, spun, job, place, kills)
    info("Writer:Write:Done", f"{os.path.basename(job.target)} is written", heapMiB=job.heap_mib, peakHeapMiB=watch.peak_heap_mib)


def _follow(process: subprocess.Popen, watch: GcWatch) -> tuple[list[str], bool]:
    """Reads what the JVM says until it ends; ends it when it only collects garbage. Its last lines, and whether so."""
    assert process.stdout is not None
    lines: list[str] = []
    rest = b""
    spun = False
    while True:
        ready, _, _ = select.select([process.stdout], [], [], WATCH_SECONDS)
        if ready:
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                break
            *whole, rest = (rest + chunk).split(b"\n")
            for raw in whole:
                _hear(raw.decode(errors="replace"), lines)
        if watch.spinning():
            # Deaf to SIGTERM in this state: its threads never reach the point where they would hear it.
            spun = True
            process.kill()
            break
    process.stdout.close()
    process.wait()
    watch.spinning()
    return lines, spun


def _hear(line: str, lines: list[str]) -> None:
    step = _STEP.search(line)
    if step:
        # Three intervals, each from 0 to 100: the last holds nearly all tiles.
        progress("write", percent=round((int(step[2]) - 1 + int(step[1]) / 100) * 100 / ZOOM_INTERVALS, 1))
    lines.append(line)
    # What went wrong first explains most: trouble is kept, chatter makes room.
    if len(lines) > LAST_LINES:
        chatter = next((index for index, old in enumerate(lines) if not _TROUBLE.search(old)), 0)
        del lines[chatter]


def _judge(code: int, said: list[str], spun: bool, job: WriterJob, place: Workspace, kills: int | None) -> None:
    text = "\n".join(said)
    advice = "take TYPE=hd or give the job more memory" if job.type == "ram" else "give the job more memory"
    state = f"TYPE={job.type} with a heap of {job.heap_mib} MiB"
    if spun:
        raise OutOfMemory(f"out of memory: {state}, the writer only collected garbage; {advice}")
    if code == EXIT_OUT_OF_MEMORY or "OutOfMemoryError" in text:
        raise OutOfMemory(f"out of memory: {state} was not enough; {advice}")
    if code == -signal.SIGKILL:
        if killed_for_memory(kills):
            raise OutOfMemory(f"out of memory: {state}, the kernel killed the writer; {advice}")
        raise JobError("the writer was killed from outside (SIGKILL); run the job again")
    if FULL_DISK in text:
        raise disk_full(place)
    trouble = [line for line in said if _TROUBLE.search(line)]
    if code != 0 or trouble:
        reason = " | ".join(trouble[-3:]) or "; ".join(said[-3:])
        raise JobError(f"the map writer failed (code {code}): {reason}")
