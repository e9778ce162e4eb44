"""How much memory the job has, and whether the kernel took a process for lack of it."""

import os
from typing import Mapping

from .errors import BadInput

MIB = 1024 * 1024
# What the JVM needs beside its heap (classes, code, stacks, collector tables) plus our own Python, measured: 140 MiB
# on small extracts; it grows with the collector's tables, hence the share.
BESIDE_HEAP_MIB = 150
BESIDE_HEAP_SHARE = 0.10
# The writer allocates 96 MB of buffers before it writes the first tile; below this even a village fails.
LEAST_HEAP_MIB = 64
# Without any limit the machine is shared with others.
HOST_SHARE = 0.5

CGROUP = "/sys/fs/cgroup"


def heap_mib(env: Mapping[str, str], cgroup: str = CGROUP) -> int:
    """The heap for the JVM, in MiB, from what the job was given.

    Raises BadInput when LONGSHORE_MEMORY_MIB is no number.
    """
    limit = memory_mib(env, cgroup)
    beside = max(BESIDE_HEAP_MIB, int(limit * BESIDE_HEAP_SHARE))
    return max(LEAST_HEAP_MIB, limit // 2 if limit < 2 * beside else limit - beside)


def memory_mib(env: Mapping[str, str], cgroup: str = CGROUP) -> int:
    """The memory the job may use, in MiB: what it was told, else the container's limit, else a share of the host."""
    told = env.get("LONGSHORE_MEMORY_MIB")
    if told:
        if not told.isdigit() or int(told) == 0:
            raise BadInput(f"LONGSHORE_MEMORY_MIB=“{told}” is no number of MiB")
        return int(told)
    host = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _cgroup_limit(cgroup)
    if limit is not None and limit < host:
        return limit // MIB
    return int(host * HOST_SHARE) // MIB


def _cgroup_limit(cgroup: str) -> int | None:
    """The tightest limit in bytes: cgroup v2 (here and above), else v1; None when there is none."""
    limits = [_number(os.path.join(folder, "memory.max")) for folder in _own_folders(cgroup)]
    limits.append(_number(os.path.join(cgroup, "memory", "memory.limit_in_bytes")))
    return min((limit for limit in limits if limit is not None), default=None)


def oom_kills(cgroup: str = CGROUP) -> int | None:
    """How many processes the kernel killed for memory in our group; None when it can't be read."""
    for folder in _own_folders(cgroup):
        count = _counter(os.path.join(folder, "memory.events"))
        if count is not None:
            return count
    return _counter(os.path.join(cgroup, "memory", "memory.oom_control"))


def killed_for_memory(before: int | None, cgroup: str = CGROUP) -> bool:
    """Whether a SIGKILL that we did not send was the kernel's, for memory.

    Where the counter can't be read the answer is yes: nothing else in a container sends SIGKILL to one process.
    """
    after = oom_kills(cgroup)
    return before is None or after is None or after > before


def _own_folders(cgroup: str) -> list[str]:
    """Our cgroup v2 folder and those above it. In a container with its own namespace: the root."""
    try:
        with open("/proc/self/cgroup", encoding="ascii") as file:
            path = next((line[3:].strip() for line in file if line.startswith("0::")), "/")
    except OSError:
        path = "/"
    folders = []
    parts = [part for part in path.split("/") if part and part != ".."]
    while True:
        folders.append(os.path.join(cgroup, *parts))
        if not parts:
            return folders
        parts.pop()


def _number(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:
            text = file.read().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _counter(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:
            for line in file:
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    except OSError:
        return None
    return None
