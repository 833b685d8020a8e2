# SPDX-License-Identifier: Apache-2.0
"""Where the engine of a host listens: the options of every module that talks to it, see the documentation fragment ``engine``."""

from __future__ import annotations

import functools
import pathlib
import ssl
import typing as t
from urllib.parse import urlsplit

from ansible_collections.caisson.openstack.plugins.module_utils.engine.tls_relay import Relay

DEFAULT_URL = "unix:///var/run/docker.sock"
ARGUMENT_SPEC: dict[str, dict[str, t.Any]] = {
    "engine_url": {"type": "str", "default": DEFAULT_URL},
    "engine_tls_dir": {"type": "path"},
}
#: The port of an engine with TLS.
_PORT = 2376
#: As the Docker client names them, below ``DOCKER_CERT_PATH``.
_CA, _CERTIFICATE, _KEY = _FILES = ("ca.pem", "cert.pem", "key.pem")


def resolve(params: t.Mapping[str, t.Any]) -> str:
    """Return the URL for the Docker SDK.

    Args:
        params: the options of a module; others than those of :data:`ARGUMENT_SPEC` do not matter.

    Raises:
        ValueError: if the options contradict each other, or files are missing or unusable.
        OSError: if an engine with TLS does not answer, or one side refuses the certificate of the other.
    """
    url = params.get("engine_url") or DEFAULT_URL
    directory = params.get("engine_tls_dir")
    if not url.startswith("tcp://"):
        if directory:
            raise ValueError(f"engine_tls_dir is {directory}, which is for engine_url tcp://HOST:PORT only, and engine_url is {url}")
        return str(url)
    if not directory:
        raise ValueError(
            f"engine_url is {url}, and engine_tls_dir is not set: without TLS everybody who reaches that port would be root on this "
            f"host; set engine_tls_dir (cloud_engine_tls_dir) to a directory of this host with {', '.join(_FILES)}"
        )
    parts = urlsplit(url)
    return f"unix://{_relay(parts.hostname or '', parts.port or _PORT, directory).path}"


@functools.cache
def _relay(host: str, port: int, directory: str) -> Relay:
    return Relay((host, port), _context(pathlib.Path(directory)))


def _context(directory: pathlib.Path) -> ssl.SSLContext:
    missing = [name for name in _FILES if not (directory / name).is_file()]
    if missing:
        raise ValueError(f"engine_tls_dir is {directory}, and this host has no {' and no '.join(missing)} there")
    try:
        context = ssl.create_default_context(cafile=str(directory / _CA))
        context.load_cert_chain(directory / _CERTIFICATE, directory / _KEY)
    except ssl.SSLError as error:
        raise ValueError(f"the certificates in engine_tls_dir, {directory}, cannot be used: {error}") from error
    return context
