"""The ends that a job can have, each with the exit code of the container contract."""


class JobError(Exception):
    """Ends the job with `exit_code`; the message says what, where and what to do. Tried again as the task file says."""

    exit_code = 1


class BadInput(JobError):
    """The input or a parameter is bad: never tried again (EX_DATAERR)."""

    exit_code = 65


class TryAgain(JobError):
    """Nothing is wrong with the input: the same job may work later (EX_TEMPFAIL)."""

    exit_code = 75


class OutOfMemory(JobError):
    """Not enough memory: tried again with more."""

    exit_code = 137
