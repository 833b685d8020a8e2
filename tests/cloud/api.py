# SPDX-License-Identifier: Apache-2.0
"""The APIs of the cloud, as the administrator sees them."""

from __future__ import annotations

import json
import typing as t
import urllib.request

from tests.cloud.conftest import API, Cloud, trust

KEYSTONE = f"{API}:5000/v3"


class Api:
    """A session of the administrator; *request_id* goes with each request through all services."""

    def __init__(self, cloud: Cloud, request_id: str = "") -> None:
        user = {"name": "admin", "password": cloud.secrets["keystone_admin_password"], "domain": {"id": "default"}}
        scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        self._headers = {"Content-Type": "application/json"} | ({"X-OpenStack-Request-ID": request_id} if request_id else {})
        with self._open(f"{KEYSTONE}/auth/tokens", body) as answer:
            self._headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
            catalog = json.load(answer)["token"]["catalog"]
        self._urls = {item["type"]: item["endpoints"][0]["url"] for item in catalog}

    def get(self, service: str, path: str) -> dict[str, t.Any]:
        """Return what a service of the catalog has below *path*."""
        return json.loads(self.read(service, path))

    def read(self, service: str, path: str) -> bytes:
        """Return the same as it comes."""
        with self._open(self._urls[service] + path) as answer:
            return answer.read()

    def post(self, service: str, path: str, body: dict[str, t.Any]) -> dict[str, t.Any]:
        """Ask a service of the catalog to do something; return its answer, if it has one."""
        with self._open(self._urls[service] + path, body) as answer:
            return json.loads(answer.read() or b"{}")

    def upload(self, service: str, path: str, parts: t.Iterable[bytes]) -> None:
        """Send data, each part as a part of its own, without saying how much it is."""
        headers = self._headers | {"Content-Type": "application/octet-stream"}
        request = urllib.request.Request(self._urls[service] + path, parts, headers, method="PUT")
        with urllib.request.urlopen(request, timeout=60, context=trust()):
            pass

    def patch(self, service: str, path: str, body: dict[str, t.Any]) -> None:
        """Change what a service of the catalog has there."""
        with self._open(self._urls[service] + path, body, "PATCH"):
            pass

    def delete(self, service: str, path: str) -> None:
        """Delete what a service of the catalog has there."""
        with self._open(self._urls[service] + path, method="DELETE"):
            pass

    def _open(self, url: str, body: dict[str, t.Any] | None = None, method: str | None = None) -> t.Any:
        data = json.dumps(body).encode() if body else None
        return urllib.request.urlopen(urllib.request.Request(url, data, self._headers, method=method), timeout=60, context=trust())
