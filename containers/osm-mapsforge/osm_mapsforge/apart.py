"""Work done in a process of its own, so that what it took is given back when it ends.

GDAL, numpy and lists of coastline points take 60 MiB, and Python gives little of that back. Held while the JVM runs,
they were a quarter of the job's peak.
"""

import os
import pickle
import signal
import sys
import traceback
from typing import Callable, NoReturn, TypeVar

from .errors import BadInput, JobError, OutOfMemory, TryAgain
from .memory import killed_for_memory, oom_kills
from .tools import die_with_parent

Result = TypeVar("Result")


def apart(what: str, work: Callable[[], Result]) -> Result:
    """Does `work` in a fork of this process, in the same process group, and returns its result (which is pickled).

    Raises what it raised; OutOfMemory when the kernel killed it; JobError when it ended otherwise without a word.
    `what` names the work in messages.
    """
    kills = oom_kills()
    # Else what waits in the buffers would be written twice.
    sys.stdout.flush()
    sys.stderr.flush()
    read_end, write_end = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _work(work, write_end, parent)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        answer = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 0:
        done, result = pickle.loads(answer)
        if done:
            return result
        raise result
    if code == -signal.SIGKILL and killed_for_memory(kills):
        raise OutOfMemory(f"out of memory: the kernel killed the handler at work on {what}; give the job more memory")
    raise JobError(f"the handler's work on {what} ended with code {code}; run the job again")


def _work(work: Callable[[], Result], write_end: int, parent: int) -> NoReturn:
    """The child: never returns into the parent's code."""
    code = 1
    try:
        die_with_parent()
        if os.getppid() != parent:
            os._exit(code)
        answer = pickle.dumps(_outcome(work))
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(answer)
        code = 0
    except BaseException:  # noqa: BLE001 - what can't be handed over is at least told
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _outcome(work: Callable[[], Result]) -> tuple[bool, Result | Exception]:
    try:
        return True, work()
    except JobError as error:
        # Kinds with fields of their own can't be unpickled; beyond here only exit code and message count.
        kind = next(kind for kind in (BadInput, TryAgain, OutOfMemory, JobError) if isinstance(error, kind))
        return False, kind(str(error))
    except Exception as error:  # noqa: BLE001 - handed to the parent, which knows how to end with each
        traceback.print_exc()
        return False, error
