"""Runs the field's tools with their output logged, explains their failures, and looks at what they made."""

from __future__ import annotations

import ctypes
import shlex
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import IO

from .errors import JobError, OutOfMemory
from .formats import format_of, is_format
from .logger import Logger, logger

#: Of what a tool said last, so many lines are kept for the reason.
_LAST_LINES = 20
#: The reason is one sentence in a receipt.
_REASON_CHARACTERS = 500
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class ToolFailed(JobError):
    """A tool ended with a code other than 0. `code` is negative for a signal; `said` are its last lines of stderr."""

    def __init__(self, tool: str, code: int, said: str) -> None:
        how = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        super().__init__(f"{tool} {how}: {said[-_REASON_CHARACTERS:] or 'it said nothing'}")
        self.code = code
        self.said = said


class BadOutput(JobError):
    """A file that should have been made is missing, empty, or something else."""


def run(
    *command: str | Path,
    log: Logger = logger,
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
    timeout: float | None = None,
) -> str:
    """Runs a tool, logs every line that it writes, and returns what it wrote on stdout.

    Raises ToolFailed with its last words, OutOfMemory where the kernel killed it for memory, and JobError when it is
    not installed or takes longer than `timeout` seconds. The tool is killed when this process is.
    """
    words = [str(word) for word in command]
    name = Path(words[0]).name
    if shutil.which(words[0]) is None:
        raise JobError(f"{name} is not installed in this image, or is not on its PATH")
    log.info("Process:Run:Start", shlex.join(words), tool=name)
    begun = monotonic()
    kills = _oom_kills()
    child = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=None if env is None else dict(env),
        text=True,
        errors="replace",
        preexec_fn=_die_with_parent,
    )
    out: list[str] = []
    last: deque[str] = deque(maxlen=_LAST_LINES)
    readers = [
        threading.Thread(target=_pump, args=(child.stdout, log, name, "stdout", out)),
        threading.Thread(target=_pump, args=(child.stderr, log, name, "stderr", last)),
    ]
    for reader in readers:
        reader.start()
    try:
        code = child.wait(timeout)
    except subprocess.TimeoutExpired:
        child.kill()
        raise JobError(f"{name} did not end within {timeout} s, and was stopped") from None
    finally:
        for reader in readers:
            reader.join()
    seconds = round(monotonic() - begun, 3)
    if code == 0:
        log.info("Process:Run:Done", tool=name, seconds=seconds)
        return "".join(out)
    said = "".join(last).strip()
    log.error("Process:Run:Failed", said[-_REASON_CHARACTERS:], tool=name, code=code, seconds=seconds)
    after = _oom_kills()
    if code == -signal.SIGKILL and kills is not None and after is not None and after > kills:
        raise OutOfMemory(f"out of memory: the kernel killed {name}; give the job more memory")
    if any(word in said for word in ("std::bad_alloc", "MemoryError", "Cannot allocate memory")):
        raise OutOfMemory(f"out of memory: {name} could not get any; give the job more memory")
    raise ToolFailed(name, code, said)


def check_output(path: Path | str, format: str | None = None, least_bytes: int = 1) -> Path:
    """Returns the path of a file that is there, has `least_bytes`, and is of the format (`formats.known()`).

    Raises BadOutput with what was found instead.
    """
    path = Path(path)
    if not path.exists():
        there = sorted(file.name for file in path.parent.glob("*")) if path.parent.is_dir() else []
        raise BadOutput(f"{path.name} was not made; {path.parent} holds {', '.join(there[:10]) or 'nothing'}")
    if not path.is_file():
        raise BadOutput(f"{path.name} is not a file")
    size = path.stat().st_size
    if size < least_bytes:
        raise BadOutput(f"{path.name} has {size} bytes, and should have {least_bytes} or more")
    if format is not None and not is_format(path, format):
        found = format_of(path)
        raise BadOutput(f"{path.name} is no {format} file: it looks like {found or 'none of the known formats'}")
    return path


def _pump(stream: IO[str] | None, log: Logger, tool: str, name: str, kept: list[str] | deque[str]) -> None:
    if stream is None:
        return
    with stream:
        for line in stream:
            kept.append(line)
            if line.strip():
                log.info("Process:Say:Line", line.rstrip("\n"), tool=tool, stream=name)


def _die_with_parent() -> None:
    """In the new process: when its parent is killed it is killed as well, and does not go on by itself."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _oom_kills() -> int | None:
    """Processes that the kernel killed for memory in this container; None where it does not tell."""
    for file in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            lines = Path(file).read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
