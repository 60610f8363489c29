"""A server on localhost that speaks the part of the Hub's protocol that models need, and can misbehave.

Small files are served as they are, large ones (``.safetensors``) by a redirect to a "CDN" under another
host name, with ranges; uploads go through the same commits and LFS batches as on the Hub.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REPOSITORY = r"(?P<repository>[\w.-]+/[\w.-]+)"
RESOLVE = re.compile(rf"/{REPOSITORY}/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
API = re.compile(rf"/api/models/{REPOSITORY}(?:/(?P<what>\w+)/(?P<revision>[^/?]+))?")
BATCH = re.compile(rf"/{REPOSITORY}\.git/info/lfs/objects/batch")
LARGE = ".safetensors"


@dataclass
class Repository:
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)  # in order; files by path
    refs: dict[str, str] = field(default_factory=dict)
    token: str | None = None  # needed to see it
    gated: bool = False

    def commit(self, files: Mapping[str, bytes], branch: str = "main") -> str:
        oid = hashlib.sha1(repr((len(self.commits), sorted(files))).encode()).hexdigest()
        self.commits[oid] = dict(files)
        self.refs[branch] = oid
        return oid

    def oid(self, revision: str) -> str | None:
        return revision if revision in self.commits else self.refs.get(revision)


@dataclass
class Hub:
    port: int = 0
    repositories: dict[str, Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)  # large files by SHA-256
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)  # method, path, headers
    breaks: int = 0  # how many of the next downloads end in the middle

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, name: str, files: Mapping[str, bytes], **options: Any) -> str:
        repository = self.repositories.setdefault(name, Repository(**options))
        return repository.commit(files)

    def asked(self, method: str, part: str = "") -> list[str]:
        return [path for one, path, _ in self.requests if one == method and part in path]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self._note()
        if self.path.startswith("/cdn/"):
            return self._cdn(self.hub.objects[self.path.removeprefix("/cdn/")])
        found = RESOLVE.fullmatch(self.path)
        if found:
            return self._resolve(found["repository"], found["revision"], found["path"])
        found = API.match(self.path)
        repository = self._visible(found["repository"]) if found else None
        if found is None or repository is None:
            return None
        oid = repository.oid(found["revision"] or "main") or ""
        files = repository.commits.get(oid, {})
        if found["what"] == "tree":
            tree = [
                {"type": "file", "path": path, "oid": oid, "size": len(data)} for path, data in files.items()
            ]
            return self._json(tree)
        return self._json(
            {"id": found["repository"], "sha": oid, "siblings": [{"rfilename": p} for p in files]}
        )

    def do_POST(self) -> None:
        self._note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/validate-yaml":
            return self._json({"errors": [], "warnings": []})
        if self.path == "/api/repos/create":
            wanted = json.loads(body)
            name = f"{wanted['organization']}/{wanted['name']}"
            if name in self.hub.repositories:
                return self._json(
                    {"error": "You already created it", "url": f"{self.hub.endpoint}/{name}"}, 409
                )
            self.hub.add(name, {".gitattributes": b"*.safetensors filter=lfs"})
            return self._json({"url": f"{self.hub.endpoint}/{name}", "id": name})
        if BATCH.match(self.path):
            return self._json(
                {"transfer": "basic", "objects": [self._upload(o) for o in json.loads(body)["objects"]]}
            )
        found = API.match(self.path)
        assert found is not None, self.path
        if found["what"] == "preupload":
            return self._json({"files": [self._mode(one["path"]) for one in json.loads(body)["files"]]})
        return self._commit(found["repository"], found["revision"], body)

    def do_PUT(self) -> None:
        self._note()
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.hub.objects[hashlib.sha256(data).hexdigest()] = data
        self._send(200, b"")

    def _note(self) -> None:
        self.hub.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))

    def _visible(self, name: str) -> Repository | None:
        repository = self.hub.repositories.get(name)
        authorised = repository and repository.token in (
            None,
            self.headers.get("Authorization", "").removeprefix("Bearer "),
        )
        if repository is None or not authorised:
            self._refuse(401, "RepoNotFound", "Repository not found")
            return None
        return repository

    def _resolve(self, name: str, revision: str, path: str) -> None:
        repository = self._visible(name)
        if repository is None:
            return None
        if repository.gated:
            return self._refuse(403, "GatedRepo", "Access to this model is restricted")
        oid = repository.oid(revision)
        if oid is None:
            return self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if path not in repository.commits[oid]:
            return self._refuse(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": oid})
        data = repository.commits[oid][path]
        etag = hashlib.sha256(data).hexdigest()
        headers = {"X-Repo-Commit": oid, "ETag": f'"{etag[:40]}"'}
        if not path.endswith(LARGE):
            return self._send(200, data, headers)
        self.hub.objects.setdefault(etag, data)
        linked = {"X-Linked-ETag": f'"{etag}"', "X-Linked-Size": str(len(data))}
        cdn = f"http://localhost:{self.hub.port}/cdn/{etag}"
        return self._send(302, b"", headers | linked | {"Location": cdn})

    def _cdn(self, data: bytes) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        span = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if wanted else {}
        if self.hub.breaks and self.command == "GET":
            self.hub.breaks -= 1
            self._send(206 if wanted else 200, data[start:], span, sent=(len(data) - start) // 2)
            self.close_connection = True
            return None
        return self._send(206 if wanted else 200, data[start:], span)

    def _upload(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        href = f"{self.hub.endpoint}/upload/{wanted['oid']}"
        return {**wanted, "actions": {"upload": {"href": href}}}

    def _mode(self, path: str) -> dict[str, Any]:
        mode = "lfs" if path.endswith(LARGE) else "regular"
        return {"path": path, "uploadMode": mode, "shouldIgnore": False}

    def _commit(self, name: str, branch: str, body: bytes) -> None:
        repository = self.hub.repositories[name]
        files = dict(repository.commits[repository.refs[branch]])
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        oid = repository.commit(files, branch)
        self._json(
            {"commitUrl": f"{self.hub.endpoint}/{name}/commit/{oid}", "commitOid": oid, "success": True}
        )

    def _json(self, value: object, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        known = {"X-Error-Code": code} if code else {}
        self._send(status, message.encode(), {**known, "X-Error-Message": message, **(headers or {})})

    def _send(
        self, status: int, data: bytes, headers: Mapping[str, str] | None = None, sent: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[:sent])


@contextmanager
def serving() -> Iterator[Hub]:
    """Serve until the block ends."""
    hub = Hub()
    handler = type("HandlerOfOneHub", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
