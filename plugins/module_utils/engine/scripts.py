# SPDX-License-Identifier: Apache-2.0
"""Python programs for containers, which have no file of this collection: a script, the API client, and the modules of the script."""

from __future__ import annotations

import inspect
import json
import types
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import openstack_api
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec

_TIMEOUT = 120  # seconds that a question may take

#: Both become modules under their names before ``main`` is called, so the script imports the client as a module on a host does.
_PROGRAM = """\
import json, sys, types

def define(name, source):
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name.rpartition(".")[2] + ".py", "exec"), module.__dict__)
    return module

define({client_name!r}, {client!r})
for name, source in json.loads({modules!r}).items():
    define(name, source)
print(json.dumps(define("script", {script!r}).main(json.loads({parameters!r}))))
"""


def program(script: str, parameters: t.Mapping[str, t.Any], modules: t.Mapping[str, str] | None = None) -> str:
    """Return a program that calls the function ``main`` of *script* and writes what it returns as its last line, in JSON.

    Args:
        modules: source of the modules that the script imports, by name; each may import those before it.
    """
    return _PROGRAM.format(
        client_name=openstack_api.__name__,
        client=inspect.getsource(openstack_api),
        script=script,
        modules=json.dumps(dict(modules or {})),
        parameters=json.dumps(parameters),
    )


class ScriptError(Exception):
    """A script failed in its container; the message is the last line that it wrote."""


def ask(engine: Engine, image: str, cloud: str, name: str, script: types.ModuleType, parameters: t.Mapping[str, t.Any]) -> t.Any:
    """Return what the function ``main`` of *script* returns in a one-shot container; the parameters go in by standard input.

    Args:
        name: of the container and its service, for labels.

    Raises:
        EngineError: the image is not on this host, or the engine failed.
        ScriptError: the script failed.
    """
    spec = ContainerSpec(name=name, service=name, image=image, command=["/opt/openstack/bin/python", "-"], tmpfs=["/tmp:mode=1777"])
    source = program(inspect.getsource(script), parameters).encode()
    done = engine.run_once(spec, engine.require_image(image), cloud, stdin=source, timeout=_TIMEOUT)
    if done.rc:
        raise ScriptError((done.stderr.strip().splitlines() or [f"exit code {done.rc}"])[-1])
    return json.loads(done.stdout.splitlines()[-1])
