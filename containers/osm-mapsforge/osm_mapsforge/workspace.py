"""The folders a job may write to, and what to say when a disk is full."""

import errno
import os
import shutil
import tempfile
from dataclasses import dataclass

from .errors import JobError

# What tools print when a write fails for lack of space (libc's strerror, in Java and in C++ alike).
FULL_DISK = "No space left on device"


@dataclass(frozen=True)
class Workspace:
    """`cache` is None when the job has none. `scratch` goes with this process, `fetched` is what `--fetch` leaves for the next."""

    input: str
    output: str
    scratch: str
    cache: str | None

    @property
    def fetched(self) -> str:
        return os.path.join(scratch_root(), "osm-mapsforge-fetched")


def scratch_root() -> str:
    return os.environ.get("TMPDIR") or "/tmp"


def make_scratch() -> str:
    return tempfile.mkdtemp(prefix="osm-mapsforge-", dir=scratch_root())


def disk_full(place: Workspace) -> JobError:
    """The failure for a full disk: names each disk with the bytes free on it. Not the input's fault, hence not 65."""
    folders = {"output": place.output, "scratch": place.scratch}
    if place.cache:
        folders["cache"] = place.cache
    free = ", ".join(f"{name} {path}: {_free(path)} bytes free" for name, path in folders.items())
    return JobError(f"disk full ({free}); give the job more disk")


def is_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _free(path: str) -> int | str:
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return "unknown"
