# SPDX-License-Identifier: Apache-2.0
"""Print the options that the services of a Python environment declare to oslo.config, their former names among them.

A section is ``[<service> <section>]``; ``*`` in the place of the service stands for all, because libraries declare the options. ``[* with
auth_type]`` has those of every section that has an option auth_type, ``[<service> of <option>]`` those of each section that
``DEFAULT/<option>`` names. A former name is followed by the present one: ``old = section/new``.
"""

from __future__ import annotations

import importlib.metadata
import json
import pathlib
import re
import subprocess
import sys
import typing as t

#: (service, section) -> option -> present name as section/option; empty if the option's own name is that.
Options = dict[tuple[str, str], dict[str, str]]

#: These declare the options of their tests.
_SKIPPED = ("castellan.tests.functional.config", "manilaclient.config")
#: Options that services make up at run time, from names in their configuration: https://docs.openstack.org/nova/latest/admin/virtual-gpu.html,
#: https://docs.openstack.org/keystone/latest/admin/federation/configure_federation.html
_AT_RUN_TIME = {
    ("nova", "mdev_*"): ["device_addresses", "max_instances", "mdev_class"],
    ("nova", "vgpu_*"): ["device_addresses", "max_instances"],
    ("keystone", "auth"): ["kerberos", "openid", "saml2", "x509"],
    **{("keystone", name): ["remote_id_attribute"] for name in ("kerberos", "mapped", "openid", "saml2", "x509")},
}
_CONTEXT = re.compile(r"""PrivContext\((?:[^()]|\([^()]*\))*?cfg_section=['"](\w+)['"]""")
#: Of stores of images, by the namespace that declares their options: https://docs.openstack.org/glance/latest/admin/multistores.html
_STORES = "glance.multi_store"


def _services() -> dict[str, str]:
    """Return the name of each service by its distribution: what has policies is a service, not a library."""
    return {entry.dist.name: entry.name for entry in importlib.metadata.entry_points(group="oslo.policy.policies") if entry.dist}


def _of(distribution: str) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """Return namespace, section, name and former places of each option of a distribution."""
    found = []
    for entry in importlib.metadata.entry_points(group="oslo.config.opts"):
        if not entry.dist or entry.dist.name != distribution or entry.name in _SKIPPED:
            continue
        try:
            declare = entry.load()
        except ModuleNotFoundError:  # of a plugin whose libraries the images do not have, so that nothing reads its options
            continue
        for group, options in declare():
            section = str(getattr(group, "name", group) or "DEFAULT")
            for option in options:
                former = [(str(old.group or section), str(old.name or option.dest)) for old in option.deprecated_opts]
                found += [(entry.name, section, name, former) for name in dict.fromkeys([option.dest, option.name])]
    return found


def _privileged() -> set[tuple[str, str]]:
    """Return top-level package and section of each context in which code runs with other privileges; each has the options of privsep."""
    found = set()
    for directory in {pathlib.Path(place) for place in sys.path if place.endswith("site-packages")}:
        for path in directory.rglob("*.py"):
            package = path.relative_to(directory).parts[0]
            # a section is named where the context is made, in one call
            found |= {(package, section) for section in _CONTEXT.findall(path.read_text(encoding="utf-8", errors="replace"))}
    return found


def _auth_options() -> list[str]:
    """Return the options of all ways to authenticate; which of them a section has is found out at run time."""
    from keystoneauth1 import loading  # it is in the environment that is looked at only

    options = [*loading.get_adapter_conf_options(), *loading.get_auth_common_conf_options(), *loading.get_session_conf_options()]
    for name in loading.get_available_plugin_names():
        options += loading.get_auth_plugin_conf_options(name)
    return [name for option in options for name in (option.dest, option.name)]


def _add(options: Options, service: str, section: str, name: str, former: t.Iterable[t.Sequence[str]]) -> None:
    options.setdefault((service, section), {})[name] = ""
    for old_section, old in former:
        options.setdefault((service, old_section), {}).setdefault(old, f"{section}/{name.replace('-', '_')}")


def _collect() -> Options:
    services = _services()
    options: Options = {}
    entries = importlib.metadata.entry_points(group="oslo.config.opts")
    for distribution in sorted({entry.dist.name for entry in entries if entry.dist}):
        # some register what others do, so each has a process of its own
        done = subprocess.run([sys.executable, __file__, distribution], check=True, stdout=subprocess.PIPE)
        service = services.get(distribution, "*")
        for namespace, section, name, former in json.loads(done.stdout):
            if namespace == _STORES and section != "glance_store":
                for place in ("of enabled_backends", "os_glance_*"):
                    _add(options, "glance", place, name, [])
            elif not section.startswith("sample_"):
                _add(options, service, section, name, former)
    for package, section in _privileged():
        for name in options["*", "privsep"]:
            _add(options, package if package in services.values() else "*", section, name, [])
    for name in _auth_options():
        _add(options, "*", "with auth_type", name, [])
    for (service, section), names in _AT_RUN_TIME.items():
        for name in names:
            _add(options, service, section, name, [])
    return options


def _text(options: Options) -> str:
    lines = ["# Options that the services of this release and their libraries declare; made by playbooks/lock.yml, see docs/images.md."]
    for (service, section), names in sorted(options.items()):
        lines += ["", f"[{service} {section}]"]
        lines += [f"{name} = {present}" if present else name for name, present in sorted(names.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_of(sys.argv[1])) if sys.argv[1:] else _text(_collect()))
