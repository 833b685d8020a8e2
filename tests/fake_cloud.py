# SPDX-License-Identifier: Apache-2.0
"""The APIs that the prober asks, as far as it does; everything in memory, on 127.0.0.1. A fake."""

from __future__ import annotations

import contextlib
import datetime
import http.server
import json
import threading
import types
import typing as t
import uuid

from tests.apis import probes

USER, PASSWORD, REGION = "prober", "s3cret-of-the-fake", "RegionOne"
#: What each API is asked; an API is below the type of its service.
PROBES = probes()


class FakeCloud:
    """Serves while it is entered. ``rule`` may return a status for a method and a path, which is then the answer."""

    def __init__(self, lifetime: float = 3600) -> None:
        self.lifetime = lifetime
        self.rule: t.Callable[[str, str], int | None] = lambda _method, _path: None
        self.asked: list[tuple[str, str]] = []
        #: By path, the name of what was made.
        self.objects: dict[str, str] = {}
        self.tokens: set[str] = set()
        self.logins = 0
        cloud = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def _answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                status, headers, content = cloud.answer(self.command, self.path, self.headers.get("X-Auth-Token", ""), body)
                data = json.dumps(content).encode() if content is not None else b""
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                # who asked may have gone away
                with contextlib.suppress(OSError):
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 -- names of the standard library

            def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002 -- a name of the standard library
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.auth = {
            "auth_url": f"{self.url}/identity",
            "username": USER,
            "password": PASSWORD,
            "project_name": "admin",
            "ca_certificates": "",
        }

    def __enter__(self) -> t.Self:
        """Begin."""
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, token: str, body: t.Any) -> tuple[int, dict[str, str], t.Any]:
        """Return status, headers and content."""
        self.asked.append((method, path))
        status = self.rule(method, path)
        if status:
            return status, {}, {"error": "as the test wants it"}
        if path == "/identity/auth/tokens":
            return self._issue(body["auth"]["identity"])
        if token not in self.tokens:
            return 401, {}, {"error": "unknown token"}
        bare = path.split("?")[0]
        if method == "GET":
            return 200, {}, self._list(bare)
        if method == "DELETE":
            return (204 if self.objects.pop(path, None) is not None else 404), {}, None
        return 201, {}, self._make(bare, body)

    def _issue(self, identity: t.Any) -> tuple[int, dict[str, str], t.Any]:
        if identity["methods"] == ["password"]:
            self.logins += 1
            known = identity["password"]["user"]["password"] == PASSWORD
        else:
            known = identity["token"]["id"] in self.tokens
        if not known:
            return 401, {}, None
        token = uuid.uuid4().hex
        self.tokens.add(token)
        end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.lifetime)
        catalog = [
            {
                "type": name,
                "endpoints": [{"interface": kind, "region": REGION, "url": f"{self.url}/{name}"} for kind in ("public", "internal")],
            }
            for name in PROBES
        ]
        content = {"token": {"expires_at": f"{end:%Y-%m-%dT%H:%M:%S.%fZ}", "catalog": catalog}}
        return 201, {"X-Subject-Token": token}, content

    def _make(self, path: str, body: t.Any) -> t.Any:
        """Make what the probe of the API makes, and return it as the API shows it."""
        write, identifier = self._write(path), uuid.uuid4().hex
        # the name is where the body of the probe has it, or else at the end of the path
        shown = next((value for value in (body or {}).values() if isinstance(value, dict)), body or {"name": path.rpartition("/")[2]})
        item = write["item_path"].replace("{id}", identifier).replace("{name}", shown["name"])
        self.objects[f"/{path.split('/')[1]}{item}"] = shown["name"]
        if body is None:
            return None
        if write["id_key"] != "id":
            return {write["id_key"]: f"{self.url}{path}/{identifier}"}
        made = {**shown, "id": identifier}
        return made if shown is body else {next(iter(body)): made}

    def _list(self, path: str) -> t.Any:
        """Return what there is of a kind, as mappings, some in another mapping (Nova) or with a URL (Barbican), or as names (Placement)."""
        write = self._write(path)
        if not write or path.partition("/")[2].partition("/")[2] != write["list_path"].partition("?")[0][1:]:
            return {}
        # a copy, as other requests go on
        found = [{"id": key.rpartition("/")[2], "name": name} for key, name in dict(self.objects).items() if key.startswith(f"{path}/")]
        shapes: dict[str, t.Callable[[dict[str, str]], t.Any]] = {
            "keypairs": lambda item: {"keypair": item},
            "traits": lambda item: item["name"],
            "secrets": lambda item: {"name": item["name"], write["id_key"]: f"{self.url}{path}/{item['id']}"},
        }
        return {write["list_key"]: [shapes.get(write["list_key"], dict)(item) for item in found]}

    @staticmethod
    def _write(path: str) -> t.Any:
        return PROBES[path.split("/")[1]]["write"]
