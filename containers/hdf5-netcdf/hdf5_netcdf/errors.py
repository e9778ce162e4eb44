"""The ends a job can have, each with the exit code of the container contract."""


class JobError(Exception):
    """Ends the job with `exit_code`; the message says what, where and what to do."""

    exit_code = 1


class BadInput(JobError):
    """The granule or a parameter is bad: never retried (EX_DATAERR)."""

    exit_code = 65


class OutOfMemory(JobError):
    """Not enough memory: retried bigger. The message begins with `out of memory`."""

    exit_code = 137
