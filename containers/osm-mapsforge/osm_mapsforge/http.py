"""Downloads over HTTP that outlive a stumbling server: retried with pauses, resumed where they broke off."""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from .errors import BadInput, TryAgain
from .log import progress, warn

TIMEOUT_SECONDS = 30
# Five tries within about 15 s; a longer outage is the pipeline's retry, which waits for minutes without holding memory.
PAUSES_SECONDS = (1, 2, 4, 8)
# What a busy server asks for (Retry-After) is kept up to this.
LONGEST_PAUSE_SECONDS = 60
CHUNK = 1024 * 1024
PROGRESS_SECONDS = 2
# Worth the same request again: busy, slow or broken for the moment.
TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


class NotThere(Exception):
    """404 or 410: the server answers, and has no such file."""


@dataclass(frozen=True)
class Fetched:
    """What came: length in bytes, both sums in hex, and the server's Last-Modified (as sent) if it gave one."""

    bytes: int
    md5: str
    sha256: str
    last_modified: str | None


class Refused(BadInput):
    """The server answers, and does not give it: `code` is its HTTP status."""

    def __init__(self, address: str, code: int) -> None:
        super().__init__(f"{address}: the server refuses (HTTP {code}); check AREA and MIRROR")
        self.code = code


class _Broken(Exception):
    """This try failed in a way that another may not, after so many seconds at least."""

    def __init__(self, message: str, after: int = 0) -> None:
        super().__init__(message)
        self.after = min(after, LONGEST_PAUSE_SECONDS)


def download(address: str, path: str, stage: str) -> Fetched:
    """Fetches into a file. Raises NotThere, BadInput (refused), TryAgain (down after all tries)."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    state = {"bytes": 0, "validator": None, "last_modified": None}
    with open(path, "wb") as file:
        def attempt() -> None:
            _attempt(address, file, state, (md5, sha256), stage)

        # A resumed body must go on from the same version: otherwise all starts anew.
        def anew() -> None:
            nonlocal md5, sha256
            md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
            state.update(bytes=0, validator=None)
            file.seek(0)
            file.truncate()

        _tries(address, attempt, anew)
    return Fetched(state["bytes"], md5.hexdigest(), sha256.hexdigest(), state["last_modified"])


def text(address: str) -> str:
    """Fetches a small text that need not be there. Raises as download does."""
    got: list[str] = []

    def attempt() -> None:
        with _open(address, {}) as answer:
            got.append(answer.read(CHUNK).decode("utf-8", errors="replace"))

    try:
        _tries(address, attempt, lambda: None)
    except Refused as error:
        # A bucket that may not be listed has a 403 for what it has not.
        if error.code == 403:
            raise NotThere(address) from None
        raise
    return got[-1]


class _Changed(_Broken):
    """The file on the server is another one than the one we have half of."""


def _tries(address: str, attempt, anew) -> None:
    for number, pause in enumerate((*PAUSES_SECONDS, None), start=1):
        try:
            return attempt()
        except _Broken as error:
            if pause is None:
                raise TryAgain(f"{address} can't be fetched ({error}, {number} tries); try again later") from None
            pause = max(pause, error.after)
            warn("Source:Download:Retry", f"{error}; again in {pause} s", uri=address, attempt=number)
            if isinstance(error, _Changed):
                anew()
            time.sleep(pause)


def _open(address: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    request = urllib.request.Request(address, headers={"User-Agent": "longshore-osm-mapsforge", **headers})
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code in (404, 410):
            raise NotThere(address) from None
        if error.code == 416:
            raise _Changed("the file changed meanwhile") from None
        if error.code in TRANSIENT:
            after = error.headers.get("Retry-After", "")
            raise _Broken(f"HTTP {error.code}", int(after) if after.isascii() and after.isdigit() else 0) from None
        raise Refused(address, error.code) from None
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise _Broken(str(getattr(error, "reason", error))) from None


def _attempt(address: str, file, state: dict, sums: tuple, stage: str) -> None:
    have = state["bytes"]
    headers = {}
    if have:
        headers["Range"] = f"bytes={have}-"
        if state["validator"]:
            headers["If-Range"] = state["validator"]
    with _open(address, headers) as answer:
        if have and answer.status != 206:
            raise _Changed("the server does not resume")
        state["validator"] = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        state["last_modified"] = answer.headers.get("Last-Modified")
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        _copy(answer, file, state, sums, total, stage)
    if total is not None and state["bytes"] < total:
        raise _Broken(f"broke off at byte {state['bytes']} of {total}")


def _copy(answer, file, state: dict, sums: tuple, total: int | None, stage: str) -> None:
    told = time.monotonic()
    while True:
        try:
            chunk = answer.read(CHUNK)
        except (http.client.HTTPException, OSError) as error:
            raise _Broken(f"broke off at byte {state['bytes']} ({error})") from None
        if not chunk:
            break
        file.write(chunk)
        for each in sums:
            each.update(chunk)
        state["bytes"] += len(chunk)
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            progress(stage, bytes=state["bytes"], **({"totalBytes": total} if total else {}))
    file.flush()
    os.fsync(file.fileno())
