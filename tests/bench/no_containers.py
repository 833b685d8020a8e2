# SPDX-License-Identifier: Apache-2.0
"""``no_containers.py SOCKET``: a container engine that has nothing, for hosts that are containers themselves. Runs with any Python."""

from __future__ import annotations

import http.server
import json
import socketserver
import sys
import typing as t
import urllib.parse

_VERSION = "1.48"
_ANSWERS: dict[str, t.Any] = {
    "version": {"ApiVersion": _VERSION, "MinAPIVersion": "1.24", "Version": "28.0.0"},
    "info": {
        "ServerVersion": "28.0.0",
        "Driver": "overlay2",
        "DockerRootDir": "/var/lib",
        "CgroupVersion": "2",
        "SecurityOptions": ["name=seccomp,profile=builtin", "name=cgroupns"],
        "LiveRestoreEnabled": True,
        "RegistryConfig": {"InsecureRegistryCIDRs": [], "IndexConfigs": {}},
    },
    "containers/json": [],
    "volumes": {"Volumes": [], "Warnings": None},
}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urllib.parse.urlsplit(self.path).path.removeprefix(f"/v{_VERSION}").lstrip("/")
        data = json.dumps(_ANSWERS.get(path, {"message": f"there is no {path}"})).encode()
        self.send_response(200 if path in _ANSWERS else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: t.Any) -> None:
        """Say nothing; a client on a socket of Unix has no address."""


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    _Server(sys.argv[1], _Handler).serve_forever()
