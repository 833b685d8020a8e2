# SPDX-License-Identifier: Apache-2.0
"""Secrets of any characters that are allowed arrive as they are, whatever language the file is written in that has them.

Each file of the definitions is read by what reads it in a cloud, in its own image; ``SECRETS_SEED`` repeats a run.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import random
import secrets
import string
import subprocess
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import secret_store
from tests.unit.roles.rendering import ROOT, Host, render
from tests.unit.roles.test_definitions import SUBSTRATES

RELEASE = "2026.1"
#: What has been a trap in some language; the rest of a password is every other character in any order.
_TRAPS = [
    "p@ss/w:o#r%d$1",
    "a\\$b",
    "$$x${y}",
    "'a'b'",
    '"a"b"',
    "`a`",
    "#a;b",
    "%40%(",
    "{{ a }}",
    "{% a %}",
    "[a]",
    "null",
    "a  b",
    "\\",
    "!a",
    "*",
]
_REQUIRED = {
    item["name"]: item["type"]
    for path in ROOT.glob("roles/*/vars/**/*.yml")
    for key, items in (yaml.safe_load(path.read_text("utf-8")) or {}).items()
    if key.endswith("_required_secrets")
    for item in items
}

#: Returns what oslo.config reads of options that are called secrets, URLs taken apart by what takes them apart in a service.
_READ = """
import json, sys, tempfile
from oslo_config import cfg
import sqlalchemy.engine, oslo_messaging
found = []
for text, options in json.load(sys.stdin):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(text); file.flush()
        conf = cfg.ConfigOpts()
        for section, name in options:
            conf.register_opt(cfg.StrOpt(name), None if section == "DEFAULT" else section)
        conf([], default_config_files=[file.name], default_config_dirs=[])
        for section, name in options:
            value = (conf if section == "DEFAULT" else conf[section])[name]
            if name == "connection":
                value = sqlalchemy.engine.make_url(value).password
            elif name == "transport_url":
                (host,) = oslo_messaging.TransportURL.parse(cfg.ConfigOpts(), value).hosts
                assert (host.hostname, host.port) == ("127.0.9.1", 5672), host.hostname
                value = host.password
            found.append(value)
print(json.dumps(found))
"""


def special(chooser: random.Random, number: int) -> str:
    """Return a password of all characters that may be in one, with a trap where it begins and where it ends."""
    inside = [*string.printable.split("\t")[0], " "]
    chooser.shuffle(inside)
    begin, end = _TRAPS[number % len(_TRAPS)], chooser.choice(_TRAPS)
    return f"{begin}{''.join(inside)}{end}".replace("%(", "(%").strip()


@functools.cache
def made() -> dict[str, t.Any]:
    """Return a secret for each that roles ask for."""
    seed = os.environ.get("SECRETS_SEED") or secrets.token_hex(4)
    print(f"SECRETS_SEED={seed}")
    chooser = random.Random(seed)
    values = {name: secret_store.generate(kind) for name, kind in _REQUIRED.items()}
    return values | {name: special(chooser, number) for number, (name, kind) in enumerate(_REQUIRED.items()) if kind == "password"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    directory = tmp_path_factory.mktemp("model")
    (directory / "secrets.yml").write_text(yaml.safe_dump({"cloud_secrets": made()}), "utf-8")
    variables = {"cloud_release": RELEASE, "cloud_substrate": SUBSTRATES[RELEASE]}
    return render(ROOT / "inventory" / "aio" / "hosts.yml", directory, variables)["aio"]


def texts(host: Host, name: str) -> t.Iterator[tuple[str, str]]:
    """Yield container and content of the files of a name."""
    for file in host["files"]:
        if file["path"].endswith(name):
            yield file["path"].split("/")[0], file["content"]


_NAMES = ("password", "memcache_secret_key", "metadata_proxy_shared_secret", "connection", "transport_url")


def _options(text: str) -> list[tuple[str, str]]:
    """Return section and name of the options of a file that hold a secret."""
    found, section = [], "DEFAULT"
    for line in text.splitlines():
        name = line.partition("=")[0].strip()
        if line.startswith("["):
            section = line[1:-1]
        elif name in _NAMES:
            found.append((section, name))
    return found


def test_services_read_their_secrets_as_they_are(host: Host) -> None:
    """oslo.config replaces ``$name``, removes quotes and blanks; a URL is taken apart at marks."""
    image = next(item["image"] for item in host["containers"] if item["name"] == "nova_api")
    files = [(text, _options(text)) for ending in (".conf", ".ini") for _container, text in texts(host, ending)]
    payload = json.dumps([item for item in files if item[1]])
    command = ["docker", "run", "--rm", "-i", "--network", "none", image, "/opt/openstack/bin/python", "-c", _READ]
    done = subprocess.run(command, input=payload, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    # that of the exporter has another reader
    own = {name for name in _REQUIRED if name != "monitoring_database_password"}
    known = {made()[name]: name for name in own if isinstance(made()[name], str)}
    assert len(read) > 20
    assert [value for value in read if value not in known and value != f"`{made()['monitoring_database_password']}`"] == []
    accounts = {
        f"{service}_{what}" for service in ("nova", "neutron", "glance", "placement") for what in ("database_password", "service_password")
    }
    expected = accounts | {"keystone_database_password", "rabbitmq_password", "nova_metadata_proxy_secret", "memcached_token_key"}
    assert {known[value] for value in read if value in known} == expected


def test_the_broker_and_the_dashboard_read_theirs(host: Host) -> None:
    (definitions,) = (json.loads(text) for _container, text in texts(host, "definitions.json"))
    assert [user["password"] for user in definitions["users"]] == [made()["rabbitmq_password"]]
    (settings,) = (text for _container, text in texts(host, "local_settings.py"))
    assigned = {node.targets[0].id: node.value for node in ast.parse(settings).body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]  # all are names
    assert ast.literal_eval(assigned["SECRET_KEY"]) == made()["horizon_secret_key"]
    keys = [text for _container, text in texts(host, "")]
    for name in ("keystone_fernet_keys", "keystone_credential_keys"):
        assert all(key in keys for key in made()[name])


def test_jobs_and_accounts_have_theirs(host: Host) -> None:
    inputs = {job["container"]["name"]: job["stdin"] for job in host["jobs"]}
    assert inputs["rabbitmq_cookie"] == made()["rabbitmq_erlang_cookie"]
    assert inputs["keystone_bootstrap"] == made()["keystone_admin_password"] + "\n"
    passwords = {item["password"] for item in host["accounts"]}
    assert passwords == {made()[name] for name in _REQUIRED if name.endswith(("_database_password", "_service_password"))}


def test_every_secret_is_one_that_is_looked_at_here() -> None:
    """A new secret of a role needs a look at where it is used."""
    assert set(_REQUIRED) == {
        *("keystone_admin_password", "keystone_database_password", "keystone_fernet_keys", "keystone_credential_keys"),
        *("nova_database_password", "nova_service_password", "nova_metadata_proxy_secret", "neutron_database_password"),
        *("neutron_service_password", "glance_database_password", "glance_service_password", "placement_database_password"),
        *("placement_service_password", "monitoring_database_password", "rabbitmq_password", "rabbitmq_erlang_cookie"),
        *("horizon_secret_key", "memcached_token_key", "verify_ssh_key", "cloud_identity"),
    }
    assert secret_store.faults(made(), [secret_store.Requirement(name, t.cast("t.Any", kind)) for name, kind in _REQUIRED.items()]) == []
