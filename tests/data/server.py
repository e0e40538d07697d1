"""A file server on the loopback, with Range support and faults that a test puts in."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


@dataclass
class Files:
    """What is served, how it misbehaves, and what it was asked for."""

    content: dict[str, bytes]
    ranges: bool = True
    tag: str | None = '"edition-1"'
    codes: list[int] = field(default_factory=list)  # answers before the real one
    drops: list[int] = field(default_factory=list)  # bytes after which a reply breaks off
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path, Range
    url: str = ""


def serve(files: Files) -> ThreadingHTTPServer:
    """A running server; the caller shuts it down."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            name = unquote(self.path.lstrip("/"))
            wanted = self.headers["Range"]
            files.asked.append((name, wanted))
            if files.codes:
                return self.send_error(files.codes.pop(0))
            if name not in files.content:
                return self.send_error(404)
            body, start = files.content[name], 0
            if self.headers["If-Range"] not in (None, files.tag):
                wanted = None
            if wanted and files.ranges:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            if files.tag:
                self.send_header("ETag", files.tag)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            end = start + files.drops.pop(0) if files.drops else None
            self.wfile.write(body[start:end])
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    files.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server
