# SPDX-License-Identifier: Apache-2.0
"""A server answers after everything that can happen to it, also if its QEMU starts again and its switch is not told."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import time
import typing as t
import urllib.error

import pytest

from tests.cloud.api import Api
from tests.cloud.conftest import Cloud

LOG = pathlib.Path("/var/log/caisson/nova_compute.log")
#: What is asked for, and the status that it leads to. In those of RUNNING the server must answer.
LIFE: dict[str, list[tuple[dict[str, t.Any], str]]] = {
    "soft reboot": [({"reboot": {"type": "SOFT"}}, "ACTIVE")],
    "suspend and resume": [({"suspend": None}, "SUSPENDED"), ({"resume": None}, "ACTIVE")],
    "rescue": [({"rescue": {}}, "RESCUE"), ({"unrescue": None}, "ACTIVE")],
    "hard reboot": [({"reboot": {"type": "HARD"}}, "ACTIVE")],
    "stop and start": [({"os-stop": None}, "SHUTOFF"), ({"os-start": None}, "ACTIVE")],
    "pause": [({"pause": None}, "PAUSED"), ({"unpause": None}, "ACTIVE")],
    "shelve": [({"shelve": None}, "SHELVED_OFFLOADED"), ({"unshelve": None}, "ACTIVE")],
    "rebuild": [({"rebuild": {"imageRef": "{image}"}}, "ACTIVE")],
    "resize": [({"resize": {"flavorRef": "{flavor}"}}, "VERIFY_RESIZE"), ({"revertResize": None}, "ACTIVE")],
}
RUNNING = ("ACTIVE", "RESCUE", "VERIFY_RESIZE")
#: Actions that take a minute each, and do with networks and disks what others do.
_LONG = ("rescue", "shelve", "resize")


@pytest.fixture
def api(cloud: Cloud) -> Api:
    return Api(cloud)


def act(api: Api, server: str, body: dict[str, t.Any]) -> None:
    """Ask for something to happen to a server."""
    api.post("compute", f"/servers/{server}/action", body)


def wait(what: str, condition: t.Callable[[], bool]) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(1)


def wait_for_status(api: Api, server: str, status: str) -> None:
    """Wait until a server has a status and nothing is done to it any more."""

    def reached() -> bool:
        state = api.get("compute", f"/servers/{server}")["server"]
        assert state["status"] != "ERROR", state.get("fault")
        return (state["status"], state["OS-EXT-STS:task_state"]) == (status, None)

    wait(f"{server} does not become {status}", reached)


def wait_for_answer(address: str, *prefix: str) -> None:
    """Wait until an address answers ping."""
    command = [*prefix, "ping", "-q", "-c", "1", "-W", "1", address]
    wait(f"{address} does not answer", lambda: subprocess.run(command, capture_output=True, check=False).returncode == 0)


@pytest.fixture(scope="module")
def values(cloud: Cloud, server: dict[str, t.Any]) -> t.Iterator[dict[str, str]]:
    """Offer another flavor; return what the actions need."""
    api = Api(cloud)
    image = api.get("compute", f"/servers/{server['server']}")["server"]["image"]["id"]
    flavor = api.post("compute", "/flavors", {"flavor": {"name": "larger", "ram": 224, "vcpus": 1, "disk": 1}})["flavor"]["id"]
    yield {"image": image, "flavor": flavor}
    api.delete("compute", f"/flavors/{flavor}")


def filled(value: t.Any, values: dict[str, str]) -> t.Any:
    """Return the body of a request with values in it."""
    if isinstance(value, dict):
        return {key: filled(item, values) for key, item in value.items()}
    return value.format_map(values) if isinstance(value, str) else value


@pytest.mark.parametrize("action", [pytest.param(action, marks=[pytest.mark.long] if action in _LONG else []) for action in LIFE])
def test_a_server_answers_after(api: Api, server: dict[str, t.Any], values: dict[str, str], action: str) -> None:
    known = LOG.stat().st_size
    for body, status in LIFE[action]:
        act(api, server["server"], filled(body, values))
        wait_for_status(api, server["server"], status)
        if status in RUNNING:
            wait_for_answer(server["floating_ip"])
    # the guest heard its power button: nothing had to be done by force
    assert "Trying hard reboot" not in LOG.read_text()[known:]


@pytest.fixture
def network(api: Api) -> t.Iterator[str]:
    """A further network of the administrator, which leads nowhere; its ports go with it."""
    network = api.post("network", "/v2.0/networks", {"network": {"name": "further"}})["network"]["id"]
    subnet = {"network_id": network, "ip_version": 4, "cidr": "10.92.0.0/24", "gateway_ip": None}
    api.post("network", "/v2.0/subnets", {"subnet": subnet})
    yield network
    for port in api.get("network", f"/v2.0/ports?network_id={network}")["ports"]:
        with contextlib.suppress(urllib.error.HTTPError):  # that of the metadata goes with the network
            api.delete("network", f"/v2.0/ports/{port['id']}")
    api.delete("network", f"/v2.0/networks/{network}")


def test_a_card_that_is_added_to_a_running_server_works(api: Api, server: dict[str, t.Any], network: str) -> None:
    body = {"port": {"network_id": network, "port_security_enabled": False}}
    port = api.post("network", "/v2.0/ports", body)["port"]
    path = f"/servers/{server['server']}/os-interface"
    api.post("compute", path, {"interfaceAttachment": {"port_id": port["id"]}})
    # from the namespace of the metadata, which is in every network of a hypervisor
    wait_for_answer(port["fixed_ips"][0]["ip_address"], "nsenter", f"--net=/run/netns/ovnmeta-{network}")
    api.delete("compute", f"{path}/{port['id']}")
    wait("the card stays", lambda: len(api.get("compute", path)["interfaceAttachments"]) == 1)
    wait_for_answer(server["floating_ip"])


@pytest.mark.parametrize(
    "action", [{"migrate": None}, {"os-migrateLive": {"host": None, "block_migration": True, "disk_over_commit": False}}]
)
def test_what_could_only_fail_is_refused(api: Api, server: dict[str, t.Any], action: dict[str, t.Any]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        act(api, server["server"], action)
    assert refused.value.code == 403
    assert b"Policy doesn't allow os_compute_api:os-migrate-server:migrate" in refused.value.read()


def test_names_of_servers_are_answered_in_their_network(cloud: Cloud, api: Api, server: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    (port,) = api.get("network", f"/v2.0/ports?device_id={server['server']}")["ports"]
    name = api.get("compute", f"/servers/{server['server']}")["server"]["name"]
    address = port["fixed_ips"][0]["ip_address"]
    assert port["dns_name"] == name
    assert [(item["fqdn"], item["ip_address"]) for item in port["dns_assignment"]] == [(f"{name}.cloud.internal.", address)]
    # the resolver does not exist: OVN answers in its place
    assert f"Address: {address}" in inside(cloud, server, tmp_path, f"nslookup {name}.cloud.internal 203.0.113.53")


def test_servers_are_not_told_resolvers_that_they_cannot_reach(cloud: Cloud, server: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    assert "nameserver" not in inside(cloud, server, tmp_path, "cat /etc/resolv.conf")


def test_the_first_card_has_an_address_of_ipv6(cloud: Cloud, server: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    assert "inet6 fe80:" in inside(cloud, server, tmp_path, "ip address show dev eth0")


def inside(cloud: Cloud, server: dict[str, t.Any], directory: pathlib.Path, command: str) -> str:
    """Return what a command prints in the guest."""
    key = directory / "key"
    key.touch(mode=0o600)
    key.write_text(cloud.secrets["verify_ssh_key"])
    options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
    ssh = ["ssh", "-i", str(key), *(word for option in options for word in ("-o", option)), f"root@{server['floating_ip']}", command]
    output: list[str] = []

    def done() -> bool:
        ended = subprocess.run(ssh, capture_output=True, text=True, check=False)
        output[:] = [ended.stdout]
        return ended.returncode == 0

    wait(f"no login, or {command} fails", done)
    return output[0]
