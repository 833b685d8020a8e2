# SPDX-License-Identifier: Apache-2.0
"""Bad input is refused before any host is changed, with a message that says what is wrong, where, and what would be right.

``bad_input.yml`` is the table. Cases of one run do not hide each other, because all errors are reported together.
"""

from __future__ import annotations

import dataclasses
import functools
import http.server
import json
import os
import pathlib
import re
import socket
import socketserver
import subprocess
import sys
import threading
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.plugin_utils.model.merge import merge

ROOT = pathlib.Path(__file__).parents[2]
TABLE = yaml.safe_load(pathlib.Path(__file__).with_name("bad_input.yml").read_text("utf-8"))
CASES = [pytest.param(name, case, id=f"{name}: {case['name']}") for name, run in TABLE.items() for case in run["cases"]]

#: Nothing listens there: a run that contacts a host says that it is unreachable.
_NOWHERE = {"ansible_connection": "ssh", "ansible_port": 1, "ansible_host": "127.0.0.1"}
#: Hosts of the inventory, unless a run has others.
_HOSTS = {"c1": {"cloud_address": "192.0.2.11"}, "n1": {"cloud_address": "192.0.2.31"}}
_GROUPS = {"control": ["c1"], "network": ["c1"], "compute": ["n1"]}
#: What the definitions mean, found out without a host.
_MODEL = """
- hosts: all
  gather_facts: false
  tasks:
    - {import_role: {name: caisson.openstack.cloud, tasks_from: services}}
    - caisson.openstack.secrets: {file: "{{ cloud_secrets_file }}"}
      register: service_secret_store
      run_once: true
      check_mode: true
      changed_when: false
      tags: [always]
    - {import_role: {name: caisson.openstack.service, tasks_from: model}, tags: [always]}
"""
_HOST_CAPABILITIES = {"virt_type": "qemu", "ovs_datapath": "netdev", "apparmor": False, "cgroup_version": 2, "interface": "eth0"}


class _OldEngine(http.server.BaseHTTPRequestHandler):
    """Stands in for an engine of long ago, which cannot be had: it says its version and nothing else."""

    def do_GET(self) -> None:
        body = json.dumps({"Version": "18.09.0", "ApiVersion": "1.39", "MinAPIVersion": "1.12"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "test"

    def log_message(self, *_arguments: t.Any) -> None:
        """Say nothing."""


@dataclasses.dataclass(frozen=True)
class Output:
    """What a run printed, line by line; ``recap`` has its counts for each host."""

    text: str
    code: int

    @property
    def lines(self) -> list[str]:
        """Lines, but for those that repeat a whole message."""
        return [line for line in self.text.splitlines() if "FAILED! =>" not in line]

    @property
    def recap(self) -> list[dict[str, int]]:
        rows = re.findall(r"^\S+ +: (ok=.*)$", self.text, re.MULTILINE)
        return [{key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", row)} for row in rows]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[t.Callable[[str], Output]]:
    """The output of each run of the table, which is made once."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = tmp_path_factory.mktemp("sockets")
        with socketserver.ThreadingUnixStreamServer(str(place / "old.sock"), _OldEngine) as old:
            threading.Thread(target=old.serve_forever, daemon=True).start()
            facts = {"PORT": str(taken.getsockname()[1]), "SOCKETS": str(place), "PYTHON": sys.executable}
            yield functools.cache(lambda name: _run(TABLE[name], tmp_path_factory.mktemp("site"), facts))
            old.shutdown()


def _run(run: dict[str, t.Any], directory: pathlib.Path, facts: dict[str, str]) -> Output:
    """Write the inventory with the mistakes of all cases and run the playbook."""
    groups = run.get("groups", _GROUPS)
    hosts = functools.reduce(merge, [run.get("hosts", _HOSTS), *(case.get("hosts", {}) for case in run["cases"])])
    variables = functools.reduce(merge, [_NOWHERE, run.get("all", {}), *(case.get("all", {}) for case in run["cases"])])
    inventory = {
        "all": {"hosts": hosts, "children": {name: {"hosts": {member: {} for member in members}} for name, members in groups.items()}}
    }
    files = {
        "inventory/hosts.yml": yaml.safe_dump(inventory),
        "inventory/group_vars/all.yml": yaml.safe_dump(variables, sort_keys=False),
        "model.yml": _MODEL,
        "play.yml": yaml.safe_dump(run.get("play", [])),
    }
    files |= {path: text for case in run["cases"] for path, text in case.get("files", {}).items()}
    for path, text in files.items():
        for name, value in facts.items():
            text = text.replace(f"@{name}@", value)
        _write(directory / path, text)
    playbook = {"model": directory / "model.yml", "play": directory / "play.yml"}.get(
        run["playbook"], ROOT / f"playbooks/{run['playbook']}.yml"
    )
    command = [
        str(pathlib.Path(sys.executable).with_name("ansible-playbook")),
        "-i",
        run.get("inventory", "inventory/hosts.yml"),
        str(playbook),
    ]
    if run["playbook"] == "model":
        command += ["-e", json.dumps({"cloud_host_capabilities": _HOST_CAPABILITIES})]
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".dev"),
        "ANSIBLE_CONFIG": str(directory / run["configuration"] if "configuration" in run else ROOT / "ansible.cfg"),
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        [*command, *run.get("arguments", [])], cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return Output(done.stdout, done.returncode)


def _write(path: pathlib.Path, text: str) -> None:
    """Write a file, or make a link where the text is ``-> target``, or a file that is no text where it is ``(bytes)``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if text.startswith("-> "):
        path.symlink_to(text.removeprefix("-> "))
    else:
        path.write_bytes(b"\xff\xfe\x00\xff" if text == "(bytes)" else text.encode())


@pytest.mark.parametrize(("name", "case"), CASES)
def test_it_is_refused_with_the_reason_and_the_remedy(outputs: t.Callable[[str], Output], name: str, case: dict[str, t.Any]) -> None:
    output = outputs(name)
    assert output.code, output.text
    words = [word.replace("@PID@", str(os.getpid())) for word in case["says"]]
    assert any(all(word in line for word in words) for line in output.lines), output.text


@pytest.mark.parametrize("name", TABLE)
def test_nothing_is_changed_and_nothing_secret_shown(outputs: t.Callable[[str], Output], name: str) -> None:
    output = outputs(name)
    assert "Traceback" not in output.text
    assert "hunter2" not in output.text
    assert all(row["changed"] == 0 for row in output.recap), output.text
    if not TABLE[name].get("contacts"):
        assert all(row["unreachable"] == 0 for row in output.recap), output.text
    tasks = re.findall(r"^TASK \[(.*)\]", output.text, re.MULTILINE)
    assert all(re.search(r"check \||secrets|model \||host_check|Validating arguments", task) for task in tasks), tasks


def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len(CASES) >= 60
