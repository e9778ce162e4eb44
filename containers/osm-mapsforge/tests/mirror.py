"""A mirror on the loopback address, with the faults a real one has."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Mirror:
    """Serves `files` (path → bytes) with ranges. `faults` (path → list) are used up one a request: a status code, one
    with the seconds of its Retry-After, or `cut` for an answer that breaks off in the middle."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list] = {}
        self.asked: list[tuple[str, str | None]] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.answer(self)

            def do_HEAD(self) -> None:
                self.send_response(200 if self.path in mirror.files else 404)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add_area(self, area: str, extract: bytes, poly: str, md5: str | None = None) -> None:
        self.files[f"/{area}-latest.osm.pbf"] = extract
        self.files[f"/{area}-latest.osm.pbf.md5"] = f"{md5 or hashlib.md5(extract).hexdigest()}  {area}-latest.osm.pbf\n".encode()
        self.files[f"/{area}.poly"] = poly.encode()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range")
        self.asked.append((handler.path, wanted))
        fault = self.faults[handler.path].pop(0) if self.faults.get(handler.path) else None
        body = self.files.get(handler.path)
        if isinstance(fault, tuple):
            status, after = fault
            handler.send_response(status)
            handler.send_header("Retry-After", str(after))
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        if isinstance(fault, int) or body is None:
            handler.send_error(fault if isinstance(fault, int) else 404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        handler.send_response(206 if wanted else 200)
        handler.send_header("ETag", '"1"')
        handler.send_header("Content-Length", str(len(body) - start))
        handler.end_headers()
        rest = body[start:]
        handler.wfile.write(rest[: len(rest) // 2] if fault == "cut" else rest)
        if fault == "cut":
            handler.close_connection = True
