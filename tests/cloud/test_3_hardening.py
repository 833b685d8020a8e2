# SPDX-License-Identifier: Apache-2.0
"""What containers may do is what their definitions say, as the kernel and the engine see it."""

from __future__ import annotations

import pathlib
import re
import subprocess
import typing as t

import docker
import pytest

from tests.cloud.conftest import Cloud, spec_of

#: Numbers of capabilities, from linux/capability.h.
CAPABILITIES = {
    "CHOWN": 0, "DAC_OVERRIDE": 1, "DAC_READ_SEARCH": 2, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7, "SETPCAP": 8,
    "NET_BIND_SERVICE": 10, "NET_ADMIN": 12, "NET_RAW": 13, "SYS_ADMIN": 21, "AUDIT_WRITE": 29,
}  # fmt: skip


def status(pid: int) -> dict[str, str]:
    """Return the fields of ``/proc/PID/status``."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _colon, value in (line.partition(":") for line in lines)}


def bits(names: t.Iterable[str]) -> int:
    return sum(1 << CAPABILITIES[name] for name in names)


def test_the_kernel_gives_each_container_what_its_definition_says(cloud: Cloud) -> None:
    faults = []
    for name, container in cloud.containers.items():
        spec, seen = spec_of(container), status(container["State"]["Pid"])
        user, group = spec["user"].split(":")
        root = user == "0"
        wanted = bits(spec["capabilities"])
        expected = {
            "CapBnd": wanted,
            # a process that is not root has none of them until sudo gives it back those of the bounding set
            "CapEff": wanted if root else 0,
            "Uid": int(user),
            "Gid": int(group),
            "NoNewPrivs": int(spec["no_new_privileges"]),
        }
        found = {
            "CapBnd": int(seen["CapBnd"], 16),
            "CapEff": int(seen["CapEff"], 16),
            "Uid": int(seen["Uid"].split()[0]),
            "Gid": int(seen["Gid"].split()[0]),
            "NoNewPrivs": int(seen["NoNewPrivs"]),
        }
        faults += [f"{name}: {key} is {found[key]:#x}, not {expected[key]:#x}" for key in expected if found[key] != expected[key]]
    assert not faults


def test_the_engine_holds_each_container_to_its_definition(cloud: Cloud) -> None:
    for name, container in cloud.containers.items():
        host, spec = container["HostConfig"], spec_of(container)
        assert not host["Privileged"], name
        assert host["CapDrop"] == ["ALL"], name
        assert {item.removeprefix("CAP_") for item in host["CapAdd"] or []} == set(spec["capabilities"]), name
        assert host["ReadonlyRootfs"] == spec["read_only"], name
        assert not [mount for mount in container["Mounts"] if "docker.sock" in mount["Source"] or "containerd" in mount["Source"]], name


def test_few_containers_are_more_than_a_plain_process(cloud: Cloud) -> None:
    specs = {name: spec_of(container) for name, container in cloud.containers.items()}
    assert {name for name, spec in specs.items() if spec["capabilities"]} == {
        "libvirt",
        "neutron_ovn_agent",
        "nova_compute",
        "openvswitch_vswitchd",
    }
    assert {name for name, spec in specs.items() if not spec["no_new_privileges"]} == {"neutron_ovn_agent", "nova_compute"}
    assert all(spec["read_only"] for spec in specs.values())


def listeners(cloud: Cloud, port: int) -> set[str]:
    """Return the addresses on which processes of the cloud's containers listen; others of this machine may have the same port."""
    ids = {container["Id"] for container in cloud.containers.values()}
    found = set()
    for line in subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], check=True, capture_output=True, text=True).stdout.splitlines():
        groups = "".join(pathlib.Path(f"/proc/{pid}/cgroup").read_text() for pid in re.findall(r"pid=(\d+)", line))
        if not groups or any(identifier in groups for identifier in ids):
            found.add(line.split()[3])
    return found


@pytest.mark.parametrize("port", [3306, 4369, 5672, 6640, 6641, 6642, 9090, 9100, 9104, 9115, 9177, 9256, 11211, 13306, 15692, 25672])
def test_a_store_listens_on_the_internal_address_only(cloud: Cloud, port: int) -> None:
    # Erlang's port mapper cannot be kept from the loopback addresses
    unavoidable = {"127.0.0.1:4369", "[::1]:4369"}
    assert listeners(cloud, port) - unavoidable == {f"127.0.9.1:{port}"}


def inside(container: str, *command: str) -> tuple[int, str]:
    """Run a command in a container; return its exit code and output."""
    client = docker.APIClient()
    made = client.exec_create(container, list(command))
    output = client.exec_start(made["Id"]).decode()
    return client.exec_inspect(made["Id"])["ExitCode"], output


@pytest.mark.usefixtures("cloud")
def test_the_database_knows_no_user_without_a_password() -> None:
    fields = ", ".join(f"COALESCE(JSON_VALUE(Priv, '$.{name}'), '')" for name in ("plugin", "authentication_string", "account_locked"))
    code, output = inside("mariadb", "mariadb", "-NBe", f"SELECT User, Host, {fields} FROM mysql.global_priv")
    assert code == 0
    rows = [line.split("\t") for line in output.splitlines()]
    # each service has one of a pair of accounts
    assert {user.removesuffix("_b") for user, *_rest in rows} >= {"keystone", "nova", "neutron"}
    for user, host, plugin, password, locked in rows:
        assert user
        # through the socket inside the container, or by a password; "invalid" is one that nobody can have
        socket = (host, plugin) == ("localhost", "unix_socket")
        assert socket or len(password) > 20 or password == "invalid" or locked, user
    for user in ("root", "mysql", ""):
        code, output = inside("mariadb", "mariadb", "--host=127.0.9.1", "--skip-ssl", f"--user={user}", "-e", "SELECT 1")
        assert (code, "Access denied" in output or "not allowed to connect" in output) == (1, True), output


@pytest.mark.usefixtures("cloud")
def test_the_broker_has_no_guest() -> None:
    code, output = inside("rabbitmq", "/usr/lib/rabbitmq/bin/rabbitmqctl", "--silent", "list_users")
    assert code == 0
    assert "openstack" in output
    assert "guest" not in output


def test_no_secret_is_in_what_the_engine_shows(cloud: Cloud) -> None:
    shown = str(cloud.containers)
    assert not [name for name, value in cloud.secrets.items() if isinstance(value, str) and value in shown]


@pytest.mark.usefixtures("server")
def test_containers_write_nowhere_but_to_their_volumes(cloud: Cloud) -> None:
    client = docker.APIClient()
    faults = []
    for name, container in cloud.containers.items():
        targets = [mount["Destination"] for mount in container["Mounts"]] + list(container["HostConfig"]["Tmpfs"] or {})
        for change in client.diff(container["Id"]) or []:
            path = change["Path"]
            # the engine makes the places to mount at, and their parents
            if not any(target == path or target.startswith(path + "/") for target in targets):
                faults.append(f"{name}: {path}")
    assert not faults
