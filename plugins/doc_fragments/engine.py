# SPDX-License-Identifier: Apache-2.0
"""Options of every module that talks to a container engine."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation shared by modules."""

    DOCUMENTATION = r"""
options:
  engine_url:
    description:
      - Where the engine of the host listens, C(unix://PATH) or C(tcp://HOST:PORT), the latter with TLS.
    type: str
    default: unix:///var/run/docker.sock
  engine_tls_dir:
    description:
      - Directory of the host with C(ca.pem), C(cert.pem) and C(key.pem) for an engine behind C(tcp://), as C(DOCKER_CERT_PATH) for
        the Docker client.
    type: path
requirements:
  - Docker SDK for Python 5.0 or later, on the host
  - a container engine with API 1.41 or later, on the host
"""
