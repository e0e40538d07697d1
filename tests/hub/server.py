"""A hub on the loopback: model info, tree and files, with Range support and faults put in."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """Repositories, how the hub misbehaves, and what it was asked for."""

    repositories: dict[str, dict[str, bytes]]
    errors: dict[str, tuple[int, str]] = field(default_factory=dict)  # name -> status, error code
    drops: dict[str, list[int]] = field(default_factory=dict)  # file -> bytes before breaking off
    damaged: dict[str, bytes] = field(default_factory=dict)  # file -> what is sent instead
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, path, Range
    url: str = ""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _is_large(file: str) -> bool:
    return file.endswith(".safetensors")


def _siblings(files: dict[str, bytes]) -> list[dict[str, object]]:
    return [
        {
            "rfilename": name,
            "size": len(content),
            "blobId": _git_sha1(content),
            **({"lfs": _lfs(content, "sha256")} if _is_large(name) else {}),
        }
        for name, content in files.items()
    ]


def _tree(files: dict[str, bytes]) -> list[dict[str, object]]:
    return [
        {
            "type": "file",
            "path": name,
            "size": len(content),
            "oid": _git_sha1(content),
            **({"lfs": _lfs(content, "oid")} if _is_large(name) else {}),
        }
        for name, content in files.items()
    ]


def _lfs(content: bytes, key: str) -> dict[str, object]:
    return {key: _sha256(content), "size": len(content), "pointerSize": 130}


def serve(hub: Hub) -> ThreadingHTTPServer:
    """A running hub; the caller shuts it down."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append((self.command, path, self.headers["Range"]))
            parts = path.removeprefix("/api/models").strip("/").split("/")
            name, rest = "/".join(parts[:2]), parts[2:]
            if name in hub.errors:
                return self.refuse(*hub.errors[name])
            if name not in hub.repositories:
                return self.refuse(404, "RepoNotFound")
            files = hub.repositories[name]
            if len(rest) > 1 and rest[1] not in ("main", COMMIT):
                return self.refuse(404, "RevisionNotFound")
            if not path.startswith("/api/"):
                return self.send_file(files, "/".join(rest[2:]))
            if rest[:1] == ["tree"]:
                return self.send_json(_tree(files))
            return self.send_json({"id": name, "sha": COMMIT, "siblings": _siblings(files)})

        def refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def send_json(self, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def send_file(self, files: dict[str, bytes], file: str) -> None:
            if file not in files:
                return self.refuse(404, "EntryNotFound")
            true = files[file]
            body, start = hub.damaged.get(file, true), 0
            if wanted := self.headers["Range"]:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            tag = _sha256(true) if _is_large(file) else _git_sha1(true)
            self.send_header("ETag", f'"{tag}"')
            self.send_header("X-Repo-Commit", COMMIT)
            if _is_large(file):
                self.send_header("X-Linked-ETag", f'"{tag}"')
                self.send_header("X-Linked-Size", str(len(true)))
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            if self.command == "GET":
                drops = hub.drops.get(file)
                self.wfile.write(body[start : start + drops.pop(0) if drops else None])
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server
