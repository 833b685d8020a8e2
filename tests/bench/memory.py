# SPDX-License-Identifier: Apache-2.0
"""The memory of a running cloud's containers, before and after a load of its APIs.

Needs the cloud ``caisson`` of this checkout, on this machine, and what ``make cloud`` leaves for clients.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import time
import typing as t
import urllib.error

import docker

from tests.bench.figures import Figure
from tests.cloud.api import Api
from tests.cloud.conftest import LABEL, NAME, Cloud

ROOT = pathlib.Path(__file__).parents[2]
MEBIBYTE = 2**20
#: What is made: few and small, so that it takes a minute or two of two cores. All caches of the services are filled by then.
SERVERS, _READS_PER_SERVER, _AT_A_TIME = 20, 3, 6
_BUDGET = 2867
_PATHS = {
    "compute": ["/servers/detail", "/flavors/detail", "/os-services", "/os-hypervisors"],
    "network": ["/v2.0/networks", "/v2.0/ports", "/v2.0/security-groups", "/v2.0/agents", "/v2.0/routers"],
    "image": ["/v2/images"],
    "placement": ["/resource_providers"],
}


def used(client: docker.APIClient) -> dict[str, float]:
    """Return MiB used by each container, page cache not counted."""
    found = {}
    for row in client.containers(filters={"label": [f"{LABEL}cloud={NAME}", f"{LABEL}container"]}):
        stats = client.stats(row["Id"], stream=False)["memory_stats"]
        cache = stats["stats"].get("total_inactive_file", stats["stats"].get("inactive_file", 0))
        found[row["Names"][0].lstrip("/")] = (stats["usage"] - cache) / MEBIBYTE
    return found


@contextlib.contextmanager
def material(api: Api) -> t.Iterator[dict[str, t.Any]]:
    """Make what a server is made from; yield how it is asked for. The image is empty: nothing boots, so that no processor is needed."""
    image = api.post("image", "/v2/images", {"name": "bench", "disk_format": "raw", "container_format": "bare"})["id"]
    flavor = api.post("compute", "/flavors", {"flavor": {"name": "bench", "ram": 64, "vcpus": 1, "disk": 1}})["flavor"]["id"]
    network = api.post("network", "/v2.0/networks", {"network": {"name": "bench"}})["network"]["id"]
    try:
        api.upload("image", f"/v2/images/{image}/file", [bytes(MEBIBYTE)])
        api.post("network", "/v2.0/subnets", {"subnet": {"network_id": network, "ip_version": 4, "cidr": "192.0.2.0/24"}})
        yield {"name": "bench", "imageRef": image, "flavorRef": flavor, "networks": [{"uuid": network}]}
    finally:
        api.delete("image", f"/v2/images/{image}")
        api.delete("compute", f"/flavors/{flavor}")
        api.delete("network", f"/v2.0/networks/{network}")


def live(cloud: Cloud, server: dict[str, t.Any]) -> None:
    """Make a server, wait until it is active, delete it, wait until it is gone."""
    api = Api(cloud)
    path = f"/servers/{api.post('compute', '/servers', {'server': server})['server']['id']}"
    deadline = time.monotonic() + 300
    while (status := api.get("compute", path)["server"]["status"]) != "ACTIVE":
        if status == "ERROR" or time.monotonic() > deadline:
            raise SystemExit(f"a server is {status} and not ACTIVE")
        time.sleep(1)
    api.delete("compute", path)
    with contextlib.suppress(urllib.error.HTTPError):  # 404: it is gone
        while time.monotonic() < deadline:
            api.get("compute", path)
            time.sleep(1)


def ask(cloud: Cloud) -> None:
    """Log in and read from each API."""
    api = Api(cloud)
    for service, paths in _PATHS.items():
        for path in paths:
            api.get(service, path)


def load(cloud: Cloud) -> None:
    """Make and delete servers, and ask the APIs meanwhile."""
    with material(Api(cloud)) as server, concurrent.futures.ThreadPoolExecutor(_AT_A_TIME) as pool:
        jobs = []
        for _ in range(SERVERS):
            jobs += [pool.submit(live, cloud, server), *(pool.submit(ask, cloud) for _ in range(_READS_PER_SERVER))]
        for job in jobs:
            job.result()


def measure(_args: argparse.Namespace) -> list[Figure]:
    """Return the memory of all containers before and after the load, and what each has after it."""
    os.environ["SSL_CERT_FILE"] = str(ROOT / "inventory/aio/ca.crt")
    client = docker.APIClient()
    before = used(client)
    load(Cloud(ROOT, ""))
    after = used(client)
    each = sorted(after.items(), key=lambda item: -item[1])
    return [
        Figure("memory of all containers", sum(before.values()), "MiB"),
        Figure(f"memory of all containers after {SERVERS} servers", sum(after.values()), "MiB", _BUDGET),
        *(Figure(f"memory of {name}", value, "MiB") for name, value in each),
    ]
