"""`osm-mapsforge [--fetch] INPUT OUTPUT`: the supervisor.

The work is done in a child, in a process group of its own. The parent only waits: so SIGTERM is heard at once
whatever the work is doing (a JVM deaf in its collector, GDAL inside a slow read), and one signal ends the whole group.
"""

import os
import shutil
import signal
import sys
import traceback
from typing import Callable, Mapping, NoReturn

from .check_tools import check_tools
from .errors import JobError, OutOfMemory
from .job import clear, run_fetch, run_job
from .log import last_word
from .memory import killed_for_memory, oom_kills
from .tools import die_with_parent
from .workspace import Workspace, disk_full, is_full, make_scratch

USAGE = "usage: osm-mapsforge [--fetch] INPUT OUTPUT | --check-tools"
EX_USAGE = 64
STOPPING = (signal.SIGTERM, signal.SIGINT)

Work = Callable[[Workspace, Mapping[str, str]], None]


def main(arguments: list[str]) -> int:
    if arguments == ["--check-tools"]:
        return check_tools()
    work = run_fetch if arguments[:1] == ["--fetch"] else run_job
    arguments = arguments[work is run_fetch :]
    if len(arguments) != 2 or not all(os.path.isdir(folder) for folder in arguments):
        last_word(f"{USAGE}: both must be folders")
        return EX_USAGE
    try:
        place = Workspace(*map(os.path.abspath, arguments), make_scratch(), _cache())
    except OSError as error:
        last_word(f"{error}; TMPDIR and LONGSHORE_CACHE must be folders that can be written to")
        return JobError.exit_code
    try:
        return _supervise(place, work)
    finally:
        shutil.rmtree(place.scratch, ignore_errors=True)


def _cache() -> str | None:
    folder = os.environ.get("LONGSHORE_CACHE")
    if not folder:
        return None
    own = os.path.join(folder, "osm-mapsforge")
    os.makedirs(own, exist_ok=True)
    return own


def _supervise(place: Workspace, work: Work) -> int:
    parent = os.getpid()
    kills = oom_kills()
    # Held back until both sides are ready: as process 1 of a container we would not even hear an early SIGTERM.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    child = os.fork()
    if child == 0:
        _work(place, parent, work)
    _lead_group(child)
    stopped: list[int] = []

    def stop(number: int, _frame: object) -> None:
        stopped.append(number)
        _kill_group(child)

    for number in STOPPING:
        signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    _, status = os.waitpid(child, 0)
    _kill_group(child)
    if stopped:
        last_word(f"stopped by {signal.Signals(stopped[0]).name}")
        code = 128 + stopped[0]
    elif os.WIFSIGNALED(status):
        code = _killed(os.WTERMSIG(status), kills)
    else:
        code = os.WEXITSTATUS(status)
    if code != 0:
        clear(place.output)
    return code


def _lead_group(child: int) -> None:
    """Done by parent and child, whoever comes first: a group must be there before it may have to be killed."""
    try:
        os.setpgid(child, child)
    except (PermissionError, ProcessLookupError):
        pass  # it has gone its way already


def _kill_group(child: int) -> None:
    """SIGKILL: there is nothing to save, and a JVM in trouble hears nothing less."""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _killed(number: int, kills: int | None) -> int:
    if number == signal.SIGKILL and killed_for_memory(kills):
        last_word("out of memory: the kernel killed the handler itself; give the job more memory")
        return OutOfMemory.exit_code
    last_word(f"the handler was killed by {signal.Signals(number).name}")
    return JobError.exit_code


def _work(place: Workspace, parent: int, work: Work) -> NoReturn:
    """The child: never returns into the parent's code."""
    code = 0
    try:
        _lead_group(os.getpid())
        die_with_parent()
        if os.getppid() != parent:
            os._exit(JobError.exit_code)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        work(place, os.environ)
    except JobError as error:
        code = error.exit_code
        last_word(str(error))
    except MemoryError:
        code = OutOfMemory.exit_code
        last_word("out of memory: the handler itself needs more; give the job more memory")
    except OSError as error:
        code = JobError.exit_code
        traceback.print_exc()
        last_word(str(disk_full(place)) if is_full(error) else f"{error}; check the job's folders")
    except BaseException as error:  # noqa: BLE001 - the last line on stderr must tell whatever it was
        code = JobError.exit_code
        traceback.print_exc()
        last_word(f"{type(error).__name__}: {error}; this is a fault of the handler")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
