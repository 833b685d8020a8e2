# SPDX-License-Identifier: Apache-2.0
"""What must hold for the images that ``playbooks/build.yml`` made; each is looked at from inside."""

from __future__ import annotations

import functools
import os
import subprocess
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import connect
from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes

#: Images by name: numeric user, programs that must be there.
EXPECTED: dict[str, tuple[str, list[str]]] = {
    "blackbox_exporter": ("42476:42476", ["prometheus-blackbox-exporter", "curl"]),
    "glance": ("42415:42415", ["glance-manage", "uwsgi", "curl", "healthcheck-amqp", "schema-migrations"]),
    "haproxy": ("42454:42454", ["haproxy", "curl"]),
    "horizon": ("42420:42420", ["uwsgi", "curl"]),
    "keystone": ("42425:42425", ["keystone-manage", "uwsgi", "curl"]),
    "libvirt": ("0:0", ["libvirtd", "qemu-system-x86_64", "ovs-vsctl", "virsh"]),
    "libvirt_exporter": ("42477:42477", ["prometheus-libvirt-exporter", "curl"]),
    "mariadb": ("42434:42434", ["mariadbd", "mariadb-install-db", "mariadb"]),
    "memcached": ("42457:42457", ["memcached", "curl"]),
    "mysqld_exporter": ("42475:42475", ["prometheus-mysqld-exporter", "curl"]),
    "neutron": ("42435:42435", ["neutron-rpc-server", "neutron-db-manage", "ovsdb-client"]),
    "neutron_ovn_agent": ("42435:42435", ["neutron-ovn-agent", "haproxy", "ip", "iptables", "sudo"]),
    "node_exporter": ("42473:42473", ["prometheus-node-exporter", "curl"]),
    "nova": ("42436:42436", ["nova-manage", "nova-scheduler", "uwsgi"]),
    "nova_compute": ("42436:42436", ["nova-compute", "qemu-img", "genisoimage", "uptime", "sudo"]),
    "nova_novncproxy": ("42436:42436", ["nova-novncproxy"]),
    "openvswitch": ("0:0", ["ovsdb-server", "ovs-vswitchd", "ip"]),
    "ovn": ("0:0", ["ovn-controller", "ovn-northd", "ovn-nbctl"]),
    "placement": ("42482:42482", ["placement-manage", "uwsgi"]),
    "process_exporter": ("42474:42474", ["prometheus-process-exporter", "curl"]),
    "prometheus": ("42472:42472", ["prometheus", "promtool"]),
    "rabbitmq": ("42439:42439", ["rabbitmq-server", "rabbitmqctl"]),
    "registry": ("42460:42460", ["docker-registry"]),
    "rsyslog": ("0:0", ["rsyslogd"]),
    "tempest": ("0:0", ["tempest", "stestr", "ping"]),
    "client": ("0:0", ["openstack", "ssh", "ping"]),
}

#: Only these may run processes that gain privileges, and only through sudo.
PRIVILEGED = {"nova_compute", "neutron_ovn_agent"}

LOOK = """
find / -xdev '(' -nouser -o -nogroup ')' -printf 'nobody owns %p\\n'
ls -A /var/lib/apt/lists | sed 's/^/package list /'
find /usr/share/man /usr/share/locale /root/.cache -type f 2>/dev/null | head -3 | sed 's/^/useless /'
for file in /etc/machine-id /var/lib/dbus/machine-id /var/lib/rabbitmq/.erlang.cookie /etc/openvswitch/conf.db; do
    [ ! -s $file ] || echo "identity $file"
done
for program in gcc uv pip; do command -v $program | sed 's/^/tool of the build /'; done
for program in "$@"; do command -v "$program" >/dev/null || echo "no $program"; done
"""
SETUID = "find / -xdev -type f -perm /6000 ! -path /usr/bin/sudo"


@functools.cache
def reference(name: str) -> str:
    """Return the newest image *name* of the default release."""
    wanted = f"{os.environ.get('CAISSON_IMAGE_PREFIX', 'caisson/')}{name}:{recipes.tag('2026.1')}"
    assert connect().images(name=wanted), f"no image {wanted} on this engine; build it (playbooks/build.yml)"
    return wanted


def inside(name: str, script: str, *arguments: str) -> str:
    command = ["docker", "run", "--rm", "--user", "0:0", "--network", "none", "--cap-drop", "ALL", "--cap-add", "DAC_OVERRIDE"]
    command += ["--entrypoint", "sh", reference(name), "-c", script, "sh", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", EXPECTED)
def test_an_image_has_its_programs_and_nothing_of_the_build(name: str) -> None:
    user, programs = EXPECTED[name]
    assert connect().inspect_image(reference(name))["Config"]["User"] in (user, "" if user == "0:0" else user)
    assert inside(name, LOOK, *programs) == ""


@pytest.mark.parametrize("name", sorted(PRIVILEGED))
def test_sudo_is_the_only_way_to_privileges(name: str) -> None:
    assert inside(name, SETUID) == ""


@pytest.mark.parametrize("name", ["keystone", "horizon"])
def test_python_is_compiled(name: str) -> None:
    script = """
    cd /opt/openstack/lib/python3.*/site-packages
    python - <<'END'
import importlib.util, pathlib
for path in pathlib.Path(".").rglob("*.py"):
    if not pathlib.Path(importlib.util.cache_from_source(str(path))).exists():
        print(path)
END
    """
    missing = [line for line in inside(name, script).splitlines() if "bad_coding" not in line and "badsyntax" not in line]
    assert len(missing) < 10, missing


def labels(name: str) -> dict[str, t.Any]:
    return connect().inspect_image(reference(name))["Config"]["Labels"]


def test_labels_tell_release_lock_and_version() -> None:
    found = labels("nova_compute")
    assert found["org.opencontainers.image.title"] == "nova_compute"
    assert found["org.opencontainers.image.version"] == recipes.collection_version()
    assert found["org.caisson.release"] == "2026.1"
    assert found["org.caisson.lock"] == recipes.digest(recipes.locks("2026.1")["2026.1.txt"])
    assert "org.caisson.release" not in labels("mariadb")
