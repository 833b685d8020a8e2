# SPDX-License-Identifier: Apache-2.0
"""Every definition validates and every file renders, for each sample inventory and release, and keeps the rules of the house."""

from __future__ import annotations

import configparser
import functools
import json
import pathlib
import re
import subprocess
import tempfile
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.engine import container_api
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import formats, oslo_options
from tests.definitions import Reason, definitions, reasons, switches
from tests.unit.roles.rendering import ROOT, Host, render

INVENTORIES = sorted(path.parent.name for path in ROOT.glob("inventory/*/hosts.yml"))
#: The releases, each with another kind of host, so that both branches of each choice render.
HOST_CAPABILITIES_OF: dict[str, dict[str, t.Any]] = {
    "2025.2": {"virt_type": "kvm", "ovs_datapath": "system", "apparmor": True, "cgroup_version": 2, "interface": "eth0"},
    "2026.1": {"virt_type": "qemu", "ovs_datapath": "netdev", "apparmor": False, "cgroup_version": 1, "interface": "bond0"},
    "2026.2": {"virt_type": "kvm", "ovs_datapath": "system", "apparmor": False, "cgroup_version": 2, "interface": "eth0"},
}


#: The release whose models are made for all hosts. Those of the others are made for one control host, the rest have the same.
_WHOLE = "2026.1"
_SOME = ("--limit", "control[0]:network[0]:compute")


@functools.cache
def hosts(inventory: str, release: str, *arguments: str, **settings: t.Any) -> dict[str, Host]:
    """Return what the definitions mean for each host of a sample inventory, with *arguments* of a run and *settings* of the operator."""
    variables = {"cloud_release": release, "cloud_host_capabilities": HOST_CAPABILITIES_OF[release], **switches(), **settings}
    with tempfile.TemporaryDirectory() as directory:
        return render(ROOT / "inventory" / inventory / "hosts.yml", pathlib.Path(directory), variables, *arguments)


def hosts_of(inventory: str, release: str) -> dict[str, Host]:
    """Return what the definitions mean for the hosts of a sample inventory with a release."""
    return hosts(inventory, release, *(() if release == _WHOLE else _SOME))


@pytest.fixture(
    params=[(inventory, release) for inventory in INVENTORIES for release in HOST_CAPABILITIES_OF], ids="-".join, scope="module"
)
def models(request: pytest.FixtureRequest) -> list[Host]:
    found = list(hosts_of(*request.param).values())
    assert {item["service"] for item in containers(found)} >= {"mariadb", "keystone", "nova", "ovn", "libvirt", "logging"}
    return found


def containers(models: list[Host]) -> t.Iterator[dict[str, t.Any]]:
    return (item for host in models for item in host["containers"])


def reasons_of(what: str) -> dict[str, list[Reason]]:
    """Return the reasons of each container for one kind of exception, or for the capabilities."""
    found: dict[str, list[Reason]] = {}
    for reason in (reason for role in definitions() for reason in reasons(role)):
        if what == ("capability" if reason.what.isupper() else reason.what):
            found.setdefault(reason.container, []).append(reason)
    return found


def test_privileges_have_a_reason_in_the_definition(models: list[Host]) -> None:
    """A comment above each says it; without one a container is not root, gains no privileges and has no capability."""
    assert all(reason.why for role in definitions() for reason in reasons(role))
    capabilities = {name: [reason.what for reason in found] for name, found in reasons_of("capability").items()}
    for item in containers(models):
        name = item["name"]
        assert item["capabilities"] == capabilities.get(name, []), f"{name}: say above each capability why it has it"
        assert item["no_new_privileges"] == (name not in reasons_of("new privileges")), f"{name}: say why above no_new_privileges"
        assert (item["user"] == "0:0") == (name in reasons_of("root")), f'{name}: give it a user, or say why above user: "0:0"'
        assert item["read_only"], name


def test_every_container_has_a_memory_limit(models: list[Host]) -> None:
    for item in containers(models):
        assert 128 * 2**20 < container_api.parse_size(item["memory"]) <= 8 * 2**30, (item["name"], item["memory"])


def test_memory_limits_follow_the_options_that_decide_about_them() -> None:
    def limits(**settings: t.Any) -> dict[str, int]:
        found = hosts("aio", "2026.1", **settings)["aio"]["containers"]
        return {item["name"]: container_api.parse_size(item["memory"]) // 2**20 for item in found}

    large = limits(
        cloud_workers=8, mariadb_buffer_pool_size="8G", mariadb_max_connections=2000, rabbitmq_memory="2GiB", memcached_memory=1024
    )
    usual = limits()
    grown = {name for name, limit in large.items() if limit > usual[name]}
    workers = {item["name"] for item in hosts("aio", "2026.1")["aio"]["containers"] if item["command"][0] == "uwsgi"}
    assert workers > {"keystone_api", "nova_metadata"}
    assert grown == workers | {"mariadb", "rabbitmq", "memcached"}
    assert large["mariadb"] > 8192 + 2000 and large["rabbitmq"] > 2 * 2048 and large["memcached"] > 1024


def test_seccomp_stays_on_and_apparmor_but_for_a_reason(models: list[Host]) -> None:
    for item in containers(models):
        assert not [option for option in item["security_opts"] if option.startswith("seccomp")], item["name"]
        unconfined = "apparmor=unconfined" in item["security_opts"]
        assert not unconfined or item["name"] in reasons_of("no AppArmor profile"), f"{item['name']}: say why above security_opts"


def test_a_load_balancer_below_port_1024_has_the_documented_capabilities() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    (balancer,) = (item for item in hosts("aio", "2026.1", horizon_port=443)["aio"]["containers"] if item["name"] == "haproxy")
    assert re.findall(r"^\| `haproxy`, with [^|]* \| `([A-Z_]+)` \| \S", text, re.MULTILINE) == balancer["capabilities"]
    assert (balancer["user"], balancer["command"][:2]) == ("0:42454", ["setpriv", "--reuid=42454"])
    assert balancer["no_new_privileges"] and balancer["read_only"]


def test_no_container_reaches_the_engine(models: list[Host]) -> None:
    for item in containers(models):
        for bind in item["volumes"]:
            source = bind.split(":")[0]
            assert not source.endswith(".sock"), (item["name"], bind)
            assert source not in ("/", "/run", "/var/run", "/etc", "/var/lib/docker"), (item["name"], bind)


def test_every_volume_is_backed_up_or_said_to_be_no_loss(models: list[Host]) -> None:
    left = {volume for definition in definitions().values() for volume in definition.get("not_backed_up", {})}
    # of what all members of a cluster have, one takes the backup
    once = {bind.split(":")[0] for host in models for item in host["backups"] if item["once"] for bind in item["container"]["volumes"]}
    for host in models:
        taken = once | {bind.split(":")[0] for item in host["backups"] for bind in item["container"]["volumes"]}
        assert host["volumes"] - taken <= left, "take a backup of it, or say in not_backed_up why not"
        assert not taken & left


def test_only_volumes_that_exist_are_said_to_be_no_loss(models: list[Host]) -> None:
    volumes = {volume for host in models for volume in host["volumes"]}
    assert {volume for definition in definitions().values() for volume in definition.get("not_backed_up", {})} <= volumes


def test_every_container_is_asked_for_work(models: list[Host]) -> None:
    for item in containers(models):
        assert item["healthcheck"] and item["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), item["name"]


def test_secrets_stay_in_sensitive_files(models: list[Host]) -> None:
    for host in models:
        shown = json.dumps([host["containers"], [{**job, "stdin": ""} for job in host["jobs"]]])
        for secret in host["secrets"]:
            assert secret not in shown
            for file in host["files"]:
                assert file["sensitive"] or secret not in file["content"], file["path"]


def test_files_are_what_their_names_say(models: list[Host]) -> None:
    for file in (file for host in models for file in host["files"]):
        suffix = pathlib.PurePosixPath(file["path"]).suffix
        if file["content"].startswith("#!/bin/"):
            done = subprocess.run(
                [file["content"][2:].split("\n", 1)[0], "-n"], input=file["content"], text=True, capture_output=True, check=False
            )
            assert done.returncode == 0, (file["path"], done.stderr)
            assert int(file["mode"], 8) & 0o100, file["path"]
        elif suffix == ".json":
            json.loads(file["content"])
        elif suffix in (".yml", ".yaml"):
            yaml.safe_load(file["content"])
        elif suffix == ".ini":
            configparser.RawConfigParser(strict=False, allow_no_value=True).read_string(file["content"])


def test_all_listeners_are_on_an_address(models: list[Host]) -> None:
    for host in models:
        text = json.dumps([[item["command"], item["env"]] for item in host["containers"]]) + "".join(
            file["content"] for file in host["files"]
        )
        # nothing listens there: Neutron is told so that there are no resolvers
        assert "0.0.0.0" not in text.replace("dns_servers = 0.0.0.0,::", "")


def test_every_client_verifies_with_the_ca_and_nobody_else_has_a_key(models: list[Host]) -> None:
    for host in models:
        files = {file["path"]: file for file in host["files"]}
        clients = {path.split("/")[0] for path, file in files.items() if "/etc/caisson/ca.crt" in file["content"]}
        assert {path.split("/")[0] for path in files if path.endswith("/ca.crt")} == clients
        # who logs in at Keystone is one of them
        assert clients >= {
            path.split("/")[0] for path, file in files.items() if re.search(r"^\s*auth_url *=", file["content"], re.MULTILINE)
        }
        keys = {path for path, file in files.items() if "PRIVATE KEY" in file["content"]}
        # a hypervisor has its own, which no client of the APIs knows
        assert keys <= {"haproxy/config/api.pem", *(f"libvirt/config/libvirt/private/{end}key.pem" for end in ("server", "client"))}
        for path, file in files.items():
            options = configparser.RawConfigParser(strict=False, interpolation=None)
            if path.endswith(".conf") and "auth_url" in file["content"]:
                options.read_string(file["content"])
                found = {name: options[name].get("cafile") for name in options.sections() if "auth_url" in options[name]}
                assert found and set(found.values()) == {"/etc/caisson/ca.crt"}, (path, found)
            assert not re.search(r"insecure *[=:] *true", file["content"], re.IGNORECASE), path


def test_every_service_that_verifies_tokens_knows_its_type_in_the_catalog(models: list[Host]) -> None:
    """Without it an application credential with access rules is refused, whatever its rules allow."""
    for host in models:
        types = {item["name"]: item["type"] for item in host["endpoints"]}
        for item in host["containers"]:
            for file in host["files"]:
                if file["path"].startswith(f"{item['name']}/") and "[keystone_authtoken]" in file["content"]:
                    options = configparser.RawConfigParser(strict=False, interpolation=None)
                    options.read_string(file["content"])
                    assert options["keystone_authtoken"].get("service_type") == types[item["service"]], file["path"]
                    # docs/security says it
                    assert options["keystone_authtoken"]["token_cache_time"] == "60", file["path"]


def test_images_are_not_fetched_from_urls(models: list[Host]) -> None:
    """A name that stands for an internal address passes the filter of Glance."""
    for file in (file for host in models for file in host["files"] if file["path"].endswith("glance-api.conf")):
        options = configparser.RawConfigParser(strict=False)
        options.read_string(file["content"])
        assert options["DEFAULT"]["enabled_import_methods"] == "[glance-direct,copy-image]"


@pytest.mark.parametrize(("inventory", "refused"), [("aio", "os-migrate-server:migrate_live"), ("multinode", "servers:resize")])
def test_what_hypervisors_cannot_do_for_each_other_is_refused_by_policy(inventory: str, refused: str) -> None:
    """Only a running server can move: with several hypervisors a resize answers 403, because another one could be chosen for it."""
    for release in HOST_CAPABILITIES_OF:
        models = hosts(inventory, release)
        found = {host: file for host, model in models.items() for file in model["files"] if file["path"].endswith("/policy.yaml")}
        apis = {host for host, model in models.items() if any(item["name"] == "nova_api" for item in model["containers"])}
        assert apis and found.keys() == apis
        for file in found.values():
            # oslo.policy reads /etc/nova/policy.yaml, and nobody satisfies '!'
            assert file["path"] == "nova_api/config/policy.yaml"
            assert yaml.safe_load(file["content"]) == {
                "os_compute_api:os-migrate-server:migrate": "!",
                f"os_compute_api:{refused}": "!",
            }


def test_one_hypervisor_listens_nowhere() -> None:
    for release in HOST_CAPABILITIES_OF:
        model = hosts_of("aio", release)["aio"]
        texts = {file["path"]: file["content"] for file in model["files"] if file["path"].startswith(("libvirt/", "nova_compute/"))}
        assert "listen_tls = 0" in texts["libvirt/files/etc/libvirt/libvirtd.conf"]
        assert not any("pki" in path or "live_migration" in text or "migrat" in text for path, text in texts.items())
        (libvirt,) = (item for item in model["containers"] if item["name"] == "libvirt")
        assert "--listen" not in libvirt["command"] and not any("/etc/pki" in volume for volume in libvirt["volumes"])
        assert not any(job["name"] == "libvirt_certificates" for job in model["jobs"])
        assert not any("libvirt" in str(name) for name in model["secrets"])


def test_hypervisors_migrate_by_tls_with_certificates_of_their_own() -> None:
    for release in HOST_CAPABILITIES_OF:
        models = hosts_of("multinode", release)
        keys, authorities = set(), set()
        for host, address in (("compute1", "192.0.2.31"), ("compute2", "192.0.2.32")):
            files = {file["path"]: file for file in models[host]["files"]}
            daemon = files["libvirt/files/etc/libvirt/libvirtd.conf"]["content"]
            assert f'listen_tls = 1\nlisten_tcp = 0\nlisten_addr = "{address}"' in daemon
            guests = files["libvirt/files/etc/libvirt/qemu.conf"]["content"]
            assert "migrate_tls_force = 1" in guests and "migrate_tls_x509_verify = 1" in guests
            key = files["libvirt/config/libvirt/private/serverkey.pem"]
            assert key["sensitive"] and "PRIVATE KEY" in key["content"]
            keys.add(key["content"])
            authorities.add(files["libvirt/config/CA/cacert.pem"]["content"])
            assert all("PRIVATE KEY" not in file["content"] for path, file in files.items() if path.endswith(("cert.pem", "cacert.pem")))
            options = configparser.RawConfigParser(strict=False)
            options.read_string(files["nova_compute/config/nova.conf"]["content"])
            found = {name: value for name, value in options["libvirt"].items() if name.startswith("live_migration")}
            assert found == {
                "live_migration_scheme": "tls",
                "live_migration_with_native_tls": "true",
                "live_migration_inbound_addr": address,
                "live_migration_permit_auto_converge": "true",
            }
        assert (len(keys), len(authorities)) == (2, 1)
        assert not any("pki" in file["path"] for file in models["control1"]["files"])


def ml2(inventory: str, release: str, host: str) -> configparser.RawConfigParser:
    """Return what Neutron's API reads of its plugin."""
    (file,) = (file for file in hosts(inventory, release)[host]["files"] if file["path"] == "neutron_api/config/ml2_conf.ini")
    options = configparser.RawConfigParser()
    options.read_string(file["content"])
    return options


@pytest.mark.parametrize(("inventory", "host", "distributed"), [("aio", "aio", True), ("multinode", "control1", False)])
def test_floating_addresses_are_where_the_network_outside_is(inventory: str, host: str, distributed: bool) -> None:
    """A hypervisor that is not connected to it would answer for them, and nobody would hear it."""
    for release in HOST_CAPABILITIES_OF:
        assert ml2(inventory, release, host).getboolean("ovn", "enable_distributed_floating_ip") is distributed


@pytest.mark.parametrize("release", HOST_CAPABILITIES_OF)
def test_neutron_reads_the_types_of_project_networks(release: str) -> None:
    """A name that the release does not know is ignored without a word, and networks end at their host."""
    known = {"2025.2": "tenant_network_types"}.get(release, "project_network_types")
    options = ml2("aio", release, "aio")
    assert {name for name in options["ml2"] if name.endswith("_network_types")} == {known}
    assert options["ml2"][known] == "geneve"


def _oslo_files(host: Host, known: t.Container[str]) -> t.Iterator[tuple[str, str, dict[str, t.Any]]]:
    """Yield service, path and content of each file of a host that oslo.config reads, of the services whose options are *known*."""
    services = {item["name"]: item["service"] for item in host["containers"]}
    for file in host["files"]:
        container, name = file["path"].split("/")[0], file["path"].rsplit("/", 1)[-1]
        if services.get(container) in known and name.endswith((".conf", ".ini")) and name not in ("uwsgi.ini", "rootwrap.conf"):
            yield services[container], file["path"], formats.parse("ini", file["content"])


@pytest.mark.parametrize("release", HOST_CAPABILITIES_OF)
def test_every_option_is_one_that_the_release_declares(release: str) -> None:
    """A service ignores a name that it does not know, without a word, and a former name may be gone with the next release."""
    known = oslo_options.read(ROOT / f"roles/images/files/options/{release}.txt")
    assert known
    seen = set()
    for inventory in INVENTORIES:
        for host in hosts(inventory, release).values():
            for service, path, content in _oslo_files(host, known.services):
                assert oslo_options.check(known, service, content, {}, []) == ([], []), path
                seen.add(path.rsplit("/", 1)[-1])
    assert seen >= {"keystone.conf", "glance-api.conf", "placement.conf", "nova.conf", "neutron.conf", "ml2_conf.ini", "ovn_agent.ini"}
