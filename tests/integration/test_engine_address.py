# SPDX-License-Identifier: Apache-2.0
"""The engine of this machine at other addresses: another Unix socket, and a port with TLS, for which HAProxy stands before it."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import time
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec
from tests import plays
from tests.tls import write_engine_certificates

from .conftest import Lab, free_port
from .modules import run_module

_HAPROXY = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend tls
    bind 127.0.0.1:{port} ssl crt /engine/tls.pem ca-file /engine/ca.pem verify required
    default_backend engine
frontend unix
    bind unix@/engine/other.sock mode 600
    default_backend engine
backend engine
    server engine unix@/run/docker.sock
"""


@pytest.fixture
def addresses(lab: Lab, tmp_path: pathlib.Path) -> t.Iterator[dict[str, dict[str, str]]]:
    """The options of modules for each address."""
    write_engine_certificates(tmp_path)
    port = free_port()
    (tmp_path / "tls.pem").write_text((tmp_path / "server.pem").read_text() + (tmp_path / "server-key.pem").read_text())
    (tmp_path / "haproxy.cfg").write_text(_HAPROXY.format(port=port))
    binds = [f"{tmp_path}:/engine", "/var/run/docker.sock:/run/docker.sock"]
    made = lab.client.create_container(
        lab.image("haproxy"),
        ["haproxy", "-db", "-f", "/engine/haproxy.cfg"],
        name=lab.name("proxy"),
        user="0:0",
        host_config=lab.client.create_host_config(binds=binds, network_mode="host"),
    )
    lab.client.start(made["Id"])
    socket = tmp_path / "other.sock"
    deadline = time.monotonic() + 30
    while not socket.exists():
        assert time.monotonic() < deadline, lab.client.logs(made["Id"])
        time.sleep(0.1)
    yield {
        "unix": {"engine_url": f"unix://{socket}"},
        "tls": {"engine_url": f"tcp://127.0.0.1:{port}", "engine_tls_dir": str(tmp_path)},
    }
    lab.client.remove_container(made["Id"], force=True)


@pytest.mark.parametrize("kind", ["unix", "tls"])
def test_containers_run_at_another_address(lab: Lab, addresses: dict[str, dict[str, str]], kind: str) -> None:
    """Commands learn the end of their input, and their output is all there, also where it is much."""
    engine = Engine(connect(addresses[kind]))
    spec = ContainerSpec(name=lab.name("one"), service="test", image=lab.image("base"), command=["sleep", "600"], user="1000:1000")
    image = engine.image_id(spec.image) or ""
    engine.create(spec, image, lab.cloud)
    engine.start(spec.name)
    assert engine.exec(spec.name, ["sh", "-c", "cat; echo; head -c 300000 /dev/zero | tr '\\0' x"], stdin=b"input").stdout == (
        "input\n" + "x" * 300_000
    )
    once = ContainerSpec(name=lab.name("two"), service="test", image=spec.image, command=["wc", "-c"], user="1000:1000")
    assert engine.run_once(once, image, lab.cloud, b"y" * 1_000_000, 30).stdout.strip() == "1000000"
    # that it was the engine of this machine
    assert spec.name in {state.name for state in lab.engine.containers([lab.label]).values()}
    engine.remove(spec.name)
    assert lab.engine.container(spec.name) is None


def test_a_client_without_a_certificate_of_the_ca_is_refused(addresses: dict[str, dict[str, str]], tmp_path: pathlib.Path) -> None:
    (other := tmp_path / "stranger").mkdir()
    write_engine_certificates(other)
    (other / "ca.pem").write_text((tmp_path / "ca.pem").read_text())
    with pytest.raises(EngineError, match="no container engine answers at tcp://127"):
        connect({**addresses["tls"], "engine_tls_dir": str(other)})


def test_modules_take_the_address(addresses: dict[str, dict[str, str]]) -> None:
    found = [run_module("engine_info", **options) for options in ({}, *addresses.values())]
    assert [item["available"] for item in found] == [True, True, True], found


def _stop(lab: Lab, tmp_path: pathlib.Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Stop the containers of the test's own cloud with the playbook of that name."""
    host = {"cloud_address": "127.0.0.1", "ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = tmp_path / "hosts.yml"
    # no hypervisor: what it offers would be found out, and kept for the cloud that this machine may have
    disabled = {f"{service}_service_overrides": {"enabled": False} for service in ("libvirt", "nova", "monitoring")}
    groups: dict[str, t.Any] = {"all": {"hosts": {"here": host}, "vars": {"cloud_name": lab.cloud, **disabled, **variables}}}
    members: dict[str, dict[str, t.Any]] = {"control": {"here": {}}, "network": {"here": {}}, "compute": {}}
    hosts.write_text(yaml.safe_dump(groups | {group: {"hosts": found} for group, found in members.items()}))
    return plays.run(tmp_path, plays.command(str(hosts), "caisson.openstack.stop"))


def test_one_variable_gives_playbooks_the_address(lab: Lab, addresses: dict[str, dict[str, str]], tmp_path: pathlib.Path) -> None:
    spec = ContainerSpec(name=lab.name("one"), service="test", image=lab.image("base"), command=["sleep", "600"], stop_timeout=0)
    lab.engine.create(spec, lab.engine.image_id(spec.image) or "", lab.cloud)
    for options in addresses.values():
        lab.engine.start(spec.name)
        done = _stop(lab, tmp_path, **{f"cloud_{name}": value for name, value in options.items()})
        assert done.returncode == 0, done.stdout
        state = lab.engine.container(spec.name)
        assert state and not state.running


def test_a_playbook_says_where_no_engine_answers(lab: Lab, tmp_path: pathlib.Path) -> None:
    done = _stop(lab, tmp_path, cloud_engine_url="unix:///nowhere/docker.sock")
    assert done.returncode != 0
    assert "no container engine answers at unix:///nowhere/docker.sock" in " ".join(done.stdout.split())
