"""The frame of a handler: its folders and parameters, and its end told as the container contract wants it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import BadInput, JobError, OutOfMemory

EX_USAGE = 64


@dataclass(frozen=True)
class Folders:
    """Where inputs are (read only), where outputs go, and where scratch files may be written."""

    input: Path
    output: Path

    def inputs(self) -> list[Path]:
        """Every input file, in name order."""
        return sorted(path for path in self.input.rglob("*") if path.is_file())

    def one_input(self) -> Path:
        """The only input. Raises BadInput when there is none, or more."""
        found = self.inputs()
        if len(found) != 1:
            names = ", ".join(path.name for path in found) or "nothing"
            raise BadInput(f"one input file is needed, and the input folder holds {names}")
        return found[0]


def param(name: str, default: str | None = None) -> str:
    """A parameter by its environment name: `param("MIN_DEPTH", "0")`. Raises BadInput when it must be given and is not."""
    value = os.environ.get(name, default)
    if value is None:
        raise BadInput(f"the parameter {name} is missing")
    return value


def run(main: Callable[[Folders], None], arguments: Sequence[str] | None = None) -> None:
    """Calls `main` with the folders of the command line, and ends the process with the contract's exit code.

    A JobError's message becomes the last line of stderr: it is the reason that people read in the receipt.
    """
    sys.exit(exit_code(main, sys.argv[1:] if arguments is None else arguments))


def exit_code(main: Callable[[Folders], None], arguments: Sequence[str]) -> int:
    """`run` without the end of the process."""
    if len(arguments) != 2 or not all(Path(folder).is_dir() for folder in arguments):
        return _last_word(f"usage: {Path(sys.argv[0]).name} INPUT OUTPUT: both must be folders", EX_USAGE)
    try:
        main(Folders(*(Path(folder).resolve() for folder in arguments)))
    except JobError as error:
        return _last_word(str(error), error.exit_code)
    except MemoryError:
        return _last_word("out of memory: give the job more memory", OutOfMemory.exit_code)
    except Exception as error:  # noqa: BLE001 - the last line must tell whatever it was
        traceback.print_exc()
        return _last_word(f"{type(error).__name__}: {error}", JobError.exit_code)
    return 0


def _last_word(message: str, code: int) -> int:
    sys.stdout.flush()
    print(" ".join(message.split()), file=sys.stderr, flush=True)
    return code
