"""Tells from the JVM's GC log when it does nothing but collect garbage.

With a heap a little too small the writer neither dies nor goes on: full collection follows full collection, each
freeing a few bytes. The parallel collector has a limit for that (UseGCOverheadLimit), the serial one has none, and
neither sees it when another thread still gets its bytes. So the log is read, and we end the process.
"""

import re

# Nearly all of the time, over a span long enough that one slow collection of a healthy run does not count.
WINDOW_SECONDS = 10.0
MOST_SHARE = 0.9
LEAST_FULL_COLLECTIONS = 5
FULL = 0.95

_PAUSE = re.compile(
    r"\[(?P<at>[0-9.]+)s\].*GC\(\d+\) Pause (?P<kind>\w+).* (?P<before>\d+)M->(?P<after>\d+)M\((?P<size>\d+)M\) (?P<ms>[0-9.]+)ms"
)


class GcWatch:
    """Reads a growing log written with -Xlog:gc:file=PATH:uptime."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._offset = 0
        self._rest = ""
        self._pauses: list[tuple[float, float, bool]] = []  # end (s), length (s), full and nothing freed
        self.peak_heap_mib = 0

    def spinning(self) -> bool:
        """Whether the last seconds were spent collecting, in vain."""
        self._read()
        if not self._pauses:
            return False
        end = self._pauses[-1][0]
        recent = [pause for pause in self._pauses if pause[0] > end - WINDOW_SECONDS]
        self._pauses = recent
        vain = [pause for pause in recent if pause[2]]
        spent = sum(length for _, length, _ in recent)
        span = min(WINDOW_SECONDS, end)
        return len(vain) >= LEAST_FULL_COLLECTIONS and len(vain) >= len(recent) / 2 and spent >= MOST_SHARE * span

    def _read(self) -> None:
        try:
            with open(self._path, encoding="utf-8") as file:
                file.seek(self._offset)
                text = self._rest + file.read()
                self._offset = file.tell()
        except FileNotFoundError:
            return
        lines = text.split("\n")
        self._rest = lines.pop()
        for line in lines:
            match = _PAUSE.search(line)
            if not match:
                continue
            after, size = int(match["after"]), int(match["size"])
            self.peak_heap_mib = max(self.peak_heap_mib, int(match["before"]))
            vain = match["kind"] == "Full" and after >= FULL * size
            self._pauses.append((float(match["at"]), float(match["ms"]) / 1000, vain))
