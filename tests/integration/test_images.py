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
from tests import definitions


@functools.cache
def defined() -> dict[str, tuple[str, list[str]]]:
    """Return the user of each image that says what programs it must have, and these."""
    images = {image["name"]: image for image in definitions.images()}

    def user(image: dict[str, t.Any]) -> str:
        if "user" in image:
            return f"{image['user']['id']}:{image['user']['id']}"
        return user(images[image["parent"]]) if image.get("parent") else "0:0"

    return {name: (user(image), image["programs"]) for name, image in images.items() if "programs" in image}


#: Only these may run processes that gain privileges, and only through sudo.
PRIVILEGED = {
    item["image"]
    for service in definitions.definitions().values()
    for item in service["containers"]
    if not item.get("no_new_privileges", True)
}

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


@pytest.mark.parametrize("name", defined())
def test_an_image_has_its_programs_and_nothing_of_the_build(name: str) -> None:
    user, programs = defined()[name]
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
