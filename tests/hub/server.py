"""A hub on the loopback that speaks the client's HTTP protocol, and misbehaves when told to.

Reading: model info, tree, paths, files with Range. Writing: create, branch, preupload, LFS batch,
upload, commit. Large files are LFS's, kept by their sha256 as the hub does, and refused when they
are not what was announced. Xet is not spoken: set HF_HUB_DISABLE_XET=1.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"  # of repositories that nobody has pushed to
FIRST_BYTES = 1000  # what a broken answer still brings

Kind = Literal["drop", "truncate", "corrupt", "slow", "429", "500"]


@dataclass
class Fault:
    """One way to misbehave.

    Attributes:
        kind: what happens; a "drop" closes without an answer, the others answer wrongly or late.
        method: of the requests that it befalls.
        path: a pattern that those contain.
        times: how many of them.
    """

    kind: Kind
    method: str
    path: str
    times: int = 1


@dataclass
class Hub:
    """Repositories, how the hub misbehaves, and what it was asked for."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    errors: dict[str, tuple[int, str]] = field(default_factory=dict)  # name -> status, error code
    drops: dict[str, list[int]] = field(default_factory=dict)  # file -> bytes before breaking off
    damaged: dict[str, bytes] = field(default_factory=dict)  # file -> what is sent instead
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, path, Range
    objects: dict[str, bytes] = field(default_factory=dict)  # sha256 -> large file
    commits: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)  # name, revision
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def revisions(self, name: str) -> dict[str, dict[str, bytes]]:
        """Branch or commit -> files."""
        seed = self.repositories[name]
        return self.commits.setdefault(name, {"main": seed, COMMIT: seed})

    def head(self, name: str, revision: str) -> str:
        """The commit that a branch is at."""
        files = self.revisions(name)[revision]
        return next(k for k, v in self.revisions(name).items() if v is files and len(k) == 40)

    def fault(self, method: str, path: str) -> Kind | None:
        """What befalls this request."""
        with self.lock:
            for fault in self.faults:
                if fault.times and method == fault.method and re.search(fault.path, path):
                    fault.times -= 1
                    return fault.kind
        return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _is_large(file: str) -> bool:
    return file.endswith((".safetensors", ".png"))


def _lfs(content: bytes, key: str) -> dict[str, object]:
    return {key: _sha256(content), "size": len(content), "pointerSize": 130}


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


def _flipped(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :] if body else body


def serve(hub: Hub) -> ThreadingHTTPServer:
    """A running hub; the caller shuts it down."""

    class Handler(BaseHTTPRequestHandler):
        kind: Kind | None = None

        def log_message(self, *args: object) -> None:
            pass

        def handle_one(self, answer: Callable[[str, str], None]) -> None:
            path = unquote(urlsplit(self.path).path)
            with hub.lock:
                hub.asked.append((self.command, path, self.headers["Range"]))
            self.kind = hub.fault(self.command, path)
            if self.kind == "drop":
                self.close_connection = True
                return
            if self.kind == "slow":
                time.sleep(0.3)
            if self.kind in ("429", "500"):
                self.rfile.read(int(self.headers["Content-Length"] or 0))
                self.refuse(int(self.kind), "")
                return
            name = "/".join(re.sub("^/(api/models/)?", "", path).split("/")[:2])
            if name in hub.errors:
                self.refuse(*hub.errors[name])
                return
            answer(path, name)

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            self.handle_one(self.read_one)

        def do_POST(self) -> None:
            self.handle_one(self.post)

        def do_PUT(self) -> None:
            self.handle_one(self.put)

        # ---- reading --------------------------------------------------------------------------

        def read_one(self, path: str, name: str) -> None:
            rest = path.removeprefix("/api/models").strip("/").split("/")[2:]
            if name not in hub.repositories:
                return self.refuse(404, "RepoNotFound")
            revisions = hub.revisions(name)
            revision = rest[1] if len(rest) > 1 else "main"
            if revision not in revisions:
                return self.refuse(404, "RevisionNotFound")
            files = revisions[revision]
            sha = hub.head(name, revision)
            if not path.startswith("/api/"):
                return self.send_file(files, "/".join(rest[2:]), sha)
            if rest[:1] == ["tree"]:
                return self.send_json(_tree(files))
            return self.send_json({"id": name, "sha": sha, "siblings": _siblings(files)})

        def send_file(self, files: dict[str, bytes], file: str, sha: str) -> None:
            if file not in files:
                self.refuse(404, "EntryNotFound")
                return
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
            self.send_header("X-Repo-Commit", sha)
            if _is_large(file):
                self.send_header("X-Linked-ETag", f'"{tag}"')
                self.send_header("X-Linked-Size", str(len(true)))
            drops = hub.drops.get(file)
            end = start + drops.pop(0) if drops and self.command == "GET" else None
            self.send_body(body[start:], None if end is None else end - start)

        # ---- writing --------------------------------------------------------------------------

        def post(self, path: str, name: str) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if path == "/api/repos/create":
                return self.create(json.loads(body))
            if path == "/api/validate-yaml":
                return self.send_json({"errors": [], "warnings": []})
            if path.endswith(".git/info/lfs/objects/batch"):
                return self.batch(json.loads(body))
            if name not in hub.repositories:
                return self.refuse(404, "RepoNotFound")
            verb, revision = path.removeprefix(f"/api/models/{name}/").split("/")
            if verb == "branch":
                revisions = hub.revisions(name)
                known = revision in revisions
                revisions.setdefault(revision, revisions["main"])
                return self.refuse(409, "") if known else self.send_json({})
            if revision not in hub.revisions(name):
                return self.refuse(404, "RevisionNotFound")
            files = hub.revisions(name)[revision]
            if verb == "preupload":
                return self.preupload(files, json.loads(body))
            if verb == "paths-info":
                asked = parse_qs(body.decode())["paths"]
                return self.send_json(_tree({k: v for k, v in files.items() if k in asked}))
            return self.commit(name, revision, [json.loads(line) for line in body.splitlines()])

        def create(self, told: dict[str, str]) -> None:
            name = f"{told['organization']}/{told['name']}"
            if name in hub.errors:
                return self.refuse(*hub.errors[name])
            known = name in hub.repositories
            hub.repositories.setdefault(name, {})
            return self.send_json({"url": f"{hub.url}/{name}"}, 409 if known else 200)

        def preupload(self, files: dict[str, bytes], told: dict[str, list[dict[str, str]]]) -> None:
            modes = []
            for file in told["files"]:
                large = _is_large(file["path"])
                old = files.get(file["path"])
                oid = None if old is None else _sha256(old) if large else _git_sha1(old)
                mode = "lfs" if large else "regular"
                modes.append({"path": file["path"], "uploadMode": mode, "oid": oid})
            self.send_json({"files": [{**mode, "shouldIgnore": False} for mode in modes]})

        def batch(self, told: dict[str, list[dict[str, str]]]) -> None:
            objects: list[dict[str, object]] = []
            for one in told["objects"]:
                there = one["oid"] in hub.objects
                upload = {"upload": {"href": f"{hub.url}/upload/{one['oid']}"}}
                objects.append({**one, **({} if there else {"actions": upload})})
            self.send_json({"transfer": "basic", "objects": objects})

        def put(self, path: str, _: str) -> None:
            oid, body = path.rsplit("/", 1)[-1], b""
            length = int(self.headers["Content-Length"] or 0)
            while len(body) < length and (
                part := self.rfile.read(min(length - len(body), 1 << 16))
            ):
                body += part
            body = _flipped(body) if self.kind == "corrupt" else body
            body = body[: len(body) // 2] if self.kind == "truncate" else body
            if _sha256(body) != oid:
                return self.refuse(400, "")
            hub.objects[oid] = body
            return self.send_json({})

        def commit(self, name: str, revision: str, lines: list[dict[str, object]]) -> None:
            with hub.lock:
                files = dict(hub.revisions(name)[revision])
                for line in lines:
                    told: dict[str, str] = line["value"]  # type: ignore[assignment]
                    if line["key"] == "file":
                        body = base64.b64decode(told["content"])
                        files[told["path"]] = _flipped(body) if self.kind == "corrupt" else body
                    elif line["key"] == "lfsFile":
                        files[told["path"]] = hub.objects[told["oid"]]
                    elif line["key"] == "deletedFile":
                        del files[told["path"]]
                tree = [f"{file} {_git_sha1(body)}" for file, body in sorted(files.items())]
                oid = hashlib.sha1("\n".join([name, revision, *tree]).encode()).hexdigest()
                hub.commits[name] |= {revision: files, oid: files}
                if revision == "main":
                    hub.repositories[name] = files
            url = f"{hub.url}/{name}/commit/{oid}"
            if self.kind == "corrupt":
                self.kind = None  # what was stored is damaged, not the answer
            self.send_json({"success": True, "commitOid": oid, "commitUrl": url})

        # ---- answers --------------------------------------------------------------------------

        def refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def send_json(self, content: object, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_body(json.dumps(content).encode())

        def send_body(self, body: bytes, end: int | None = None) -> None:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.kind == "corrupt":
                body = _flipped(body)
            if self.kind == "truncate":
                end = min(FIRST_BYTES, len(body) // 2)
            if self.command != "HEAD":
                self.wfile.write(body[:end])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server
