"""`hdf5-netcdf INPUT OUTPUT`."""

import os
import shutil
import signal
import sys
import traceback
from typing import NoReturn

from .check_tools import check_tools
from .errors import JobError, OutOfMemory
from .log import last_word
from .params import read_params

USAGE = "usage: hdf5-netcdf INPUT OUTPUT | --check-tools"
EX_USAGE = 64


class Stopped(BaseException):
    """SIGTERM came. No Exception, so that nothing on the way takes it for a failure of its own."""


def main(arguments: list[str]) -> int:
    if arguments == ["--check-tools"]:
        return check_tools()
    if len(arguments) != 2 or not all(os.path.isdir(folder) for folder in arguments):
        last_word(f"{USAGE}: both must be folders")
        return EX_USAGE
    # As process 1 of a container we would not even hear it without a handler.
    signal.signal(signal.SIGTERM, _stop)
    source, output = map(os.path.abspath, arguments)
    try:
        from .job import run_job  # Not before: its libraries may be what --check-tools finds missing.

        run_job(source, output, read_params(os.environ))
        return 0
    except JobError as error:
        return _fail(output, str(error), error.exit_code)
    except MemoryError:
        return _fail(output, "out of memory: give the job more", OutOfMemory.exit_code)
    except Stopped:
        return _fail(output, "stopped by SIGTERM", 128 + signal.SIGTERM)
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        free = shutil.disk_usage(output).free
        return _fail(output, f"{type(error).__name__}: {error} ({free} bytes free in {output})", JobError.exit_code)


def _stop(_number: int, _frame: object) -> NoReturn:
    raise Stopped


def _fail(output: str, reason: str, exit_code: int) -> int:
    _clear(output)
    last_word(reason)
    return exit_code


def _clear(output: str) -> None:
    """Removes what a failed job wrote."""
    for name in os.listdir(output):
        if name.endswith(".nc"):
            os.unlink(os.path.join(output, name))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
