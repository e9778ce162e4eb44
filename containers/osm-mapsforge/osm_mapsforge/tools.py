"""Runs the tools of the field (osmium) and turns their failures into ours."""

import ctypes
import shutil
import signal
import subprocess

from .errors import JobError, OutOfMemory
from .memory import oom_kills, killed_for_memory
from .workspace import FULL_DISK, Workspace, disk_full


PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def die_with_parent() -> None:
    """Called in a new process: when its parent is killed it is killed as well, and does not go on by itself."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class ToolFailed(JobError):
    """A tool ended with a code other than 0; `said` is what it wrote on stderr."""

    def __init__(self, tool: str, code: int, said: str) -> None:
        super().__init__(f"{tool} ended with code {code}: {said[-500:] or 'it said nothing'}")
        self.said = said


def run(place: Workspace, *command: str) -> bytes:
    """Runs a tool and returns its stdout.

    Raises the failure for a full disk, OutOfMemory when the kernel killed the tool, else ToolFailed.
    """
    kills = oom_kills()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, preexec_fn=die_with_parent)
    except FileNotFoundError:
        raise JobError(f"{command[0]} is not installed; run with --check-tools for what is missing") from None
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode == 0:
        return done.stdout
    name = " ".join(command[:2])
    if FULL_DISK in said:
        raise disk_full(place)
    if done.returncode == -signal.SIGKILL and killed_for_memory(kills):
        raise OutOfMemory(f"out of memory: the kernel killed {name}; give the job more memory")
    if "std::bad_alloc" in said:
        raise OutOfMemory(f"out of memory: {name} could not get any; give the job more memory")
    raise ToolFailed(name, done.returncode, said)


def missing(tools: dict[str, str]) -> dict[str, str]:
    """Of `tools` (command → Debian package), those that are not on the PATH."""
    return {command: package for command, package in tools.items() if shutil.which(command) is None}
