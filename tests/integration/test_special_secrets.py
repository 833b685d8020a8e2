# SPDX-License-Identifier: Apache-2.0
"""Secrets of any characters that are allowed arrive as they are, whatever language the file is written in that has them.

Each file of the definitions is read by what reads it in a cloud, in its own image; ``SECRETS_SEED`` repeats a run.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import pathlib
import random
import re
import secrets
import string
import subprocess
import time
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Database
from ansible_collections.caisson.openstack.plugins.module_utils.registration import databases
from ansible_collections.caisson.openstack.plugins.module_utils.registration.databases import ask
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import secret_store, secret_text
from tests.unit.roles.rendering import ROOT, Host, render
from tests.unit.roles.test_definitions import HOST_CAPABILITIES_OF

from . import defined
from .conftest import Lab, MariaDB, free_port
from .defined import AIO
from .test_images import reference

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

#: Address of the test's broker, which listens on the port of the definitions.
_BROKER = "127.0.77.1"
_SEND = """
import sys, kombu
from oslo_config import cfg
import oslo_messaging
(host,) = oslo_messaging.TransportURL.parse(cfg.ConfigOpts(), sys.stdin.read()).hosts
kombu.Connection(hostname=host.hostname, port=host.port, userid=host.username, password=host.password).connect()
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
    variables = {"cloud_release": RELEASE, "cloud_host_capabilities": HOST_CAPABILITIES_OF[RELEASE], "barbican_enabled": True}
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
    # the exporter, which does not use oslo.config, has a test of its own
    own = {name for name in _REQUIRED if name != "monitoring_database_password"}
    known = {made()[name]: name for name in own if isinstance(made()[name], str)}
    assert len(read) > 20
    assert [value for value in read if value not in known] == []
    services = ("nova", "neutron", "glance", "placement", "barbican")
    accounts = {f"{service}_{what}" for service in services for what in ("database_password", "service_password")}
    expected = accounts | {"keystone_database_password", "rabbitmq_password", "nova_metadata_proxy_secret", "memcached_token_key"}
    assert {known[value] for value in read if value in known} == expected


def test_the_broker_the_dashboard_and_the_stores_of_keys_have_theirs(host: Host) -> None:
    (definitions,) = (json.loads(text) for _container, text in texts(host, "definitions.json"))
    assert [user["password"] for user in definitions["users"]] == [made()["rabbitmq_password"]]
    (settings,) = (text for _container, text in texts(host, "local_settings.py"))
    assigned = {node.targets[0].id: node.value for node in ast.parse(settings).body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]  # all are names
    assert ast.literal_eval(assigned["SECRET_KEY"]) == made()["horizon_secret_key"]
    assert ast.literal_eval(assigned["DATABASES"])["default"]["PASSWORD"] == made()["horizon_database_password"]
    keys = [text for _container, text in texts(host, "")]
    for name in ("keystone_fernet_keys", "keystone_credential_keys"):
        assert all(key in keys for key in made()[name])
    (barbican,) = (text for _container, text in texts(host, "barbican.conf"))
    assert {line for line in barbican.splitlines() if line.startswith("kek = ")} == {
        f"kek = {key}" for key in made()["barbican_encryption_keys"]
    }


def test_jobs_and_accounts_have_theirs(host: Host) -> None:
    inputs = {job["container"]["name"]: job["stdin"] for job in host["jobs"]}
    assert inputs["rabbitmq_cookie"] == made()["rabbitmq_erlang_cookie"]
    assert inputs["keystone_bootstrap"] == made()["keystone_admin_password"] + "\n"
    passwords = {item["password"] for item in host["accounts"]}
    assert passwords == {made()[name] for name in _REQUIRED if name.endswith(("_database_password", "_service_password"))}


#: Commands that log in to a database through Alembic, which gives a percent sign in its own files another meaning.
_TOOLS = {
    "nova": ["nova-manage", "--config-file", "/tmp/c", "db", "version"],
    "glance": ["glance-manage", "--config-file", "/tmp/c", "db", "version"],
    "placement": ["placement-manage", "--config-file", "/tmp/c", "db", "version"],
    "neutron": ["neutron-db-manage", "--config-file", "/tmp/c", "current"],
}


def _account(server: MariaDB, name: str) -> Database:
    """Create a database with an account that has the special password of a service."""
    wanted = Database(f"{name}_special", f"{name}_special", made()[f"{name}_database_password"])
    current = databases.parse(ask(server.lab.engine, server.container, databases.query([wanted])))
    ask(server.lab.engine, server.container, databases.script(databases.plan([wanted], current)))
    return wanted


@pytest.mark.parametrize("name", _TOOLS)
def test_services_log_in_at_the_database(mariadb: MariaDB, name: str) -> None:
    wanted = _account(mariadb, name)
    login = secret_text.url_login(wanted.user, wanted.password)
    text = "".join(
        f"[{section}]\nconnection = mysql+pymysql://{login}@127.0.0.1:{mariadb.port}/{wanted.name}?charset=utf8mb4\n"
        for section in ("database", "api_database", "placement_database")
    )
    script = 'cat >/tmp/c; PATH=/opt/openstack/bin:$PATH; exec "$@"'
    command = ["docker", "run", "--rm", "-i", "--network", "host", "--tmpfs", "/tmp", reference(name)]
    done = subprocess.run([*command, "sh", "-ec", script, "-", *_TOOLS[name]], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # a wrong password is refused, so the login above was one
    wrong = text.replace(login, secret_text.url_login(wanted.user, wanted.password + "x"))
    done = subprocess.run([*command, "sh", "-ec", script, "-", *_TOOLS[name]], input=wrong, capture_output=True, text=True, check=False)
    assert "Access denied" in done.stdout + done.stderr


def test_the_exporter_logs_in_at_the_database(mariadb: MariaDB, host: Host) -> None:
    wanted = _account(mariadb, "monitoring")
    text = defined.files_of(host, "mysqld_exporter")["my.cnf"]
    for name, value in (("host", "127.0.0.1"), ("port", mariadb.port), ("user", wanted.user)):
        text = re.sub(rf"(?m)^{name} = .*", f"{name} = {value}", text)
    script = """
        cat >/tmp/c
        prometheus-mysqld-exporter --config.my-cnf=/tmp/c --web.listen-address=127.0.0.1:$0 --no-collect.slave_status &
        for _try in $(seq 60); do curl -fsS http://127.0.0.1:$0/metrics >/tmp/m && break; sleep 0.5; done
        grep -qx 'mysql_up 1' /tmp/m
    """
    command = ["docker", "run", "--rm", "-i", "--network", "host", "--tmpfs", "/tmp", reference("mysqld_exporter")]
    done = subprocess.run(
        [*command, "sh", "-ec", script, str(free_port())], input=text, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_clients_log_in_at_the_broker(lab: Lab, tmp_path: pathlib.Path, host: Host) -> None:
    """The health check logs in, and so does a client with the transport URL of the services."""
    tmp_path.chmod(0o755)
    files = {path: text.replace(AIO, _BROKER) for path, text in defined.files_of(host, "rabbitmq").items()}
    # RabbitMQ requires that its distribution port is free on every address, and epmd listens on 127.0.0.1 too: they must not be
    # those of a cloud that runs on this machine
    env = {"ERL_EPMD_PORT": str(free_port()), "RABBITMQ_DIST_PORT": str(free_port())}
    data = ["/var/lib/rabbitmq:uid=42439,gid=42439"]
    broker = defined.start(lab, tmp_path, "rabbitmq", _BROKER, files, tmpfs=data, env=env)
    deadline = time.monotonic() + 180
    while lab.engine.exec(broker, ["bash", "/etc/rabbitmq/healthcheck"]).rc:
        assert time.monotonic() < deadline, lab.engine.logs(broker)
        time.sleep(1)
    lines = [line.partition(" = ") for _container, text in texts(host, "nova.conf") for line in text.splitlines()]
    (url,) = {value.replace(AIO, _BROKER) for name, _equal, value in lines if name == "transport_url"}
    command = ["docker", "run", "--rm", "-i", "--network", "host", reference("nova"), "/opt/openstack/bin/python", "-c", _SEND]
    for text, fits in ((url, True), (url.replace("@", "x@"), False)):
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is fits, done.stderr


def test_every_secret_is_one_that_is_looked_at_here() -> None:
    """A new secret of a role needs a look at where it is used."""
    assert set(_REQUIRED) == {
        *("keystone_admin_password", "keystone_database_password", "keystone_fernet_keys", "keystone_credential_keys"),
        *("nova_database_password", "nova_service_password", "nova_metadata_proxy_secret", "neutron_database_password"),
        *("neutron_service_password", "glance_database_password", "glance_service_password", "placement_database_password"),
        *("placement_service_password", "monitoring_database_password", "rabbitmq_password", "rabbitmq_erlang_cookie"),
        *("barbican_database_password", "barbican_service_password", "barbican_encryption_keys"),
        *("horizon_secret_key", "horizon_database_password", "memcached_token_key", "verify_ssh_key", "cloud_identity"),
    }
    assert (
        secret_store.errors(made(), [secret_store.SecretRequirement(name, t.cast("t.Any", kind)) for name, kind in _REQUIRED.items()]) == []
    )
