# SPDX-License-Identifier: Apache-2.0
"""Python programs for containers, which have no file of this collection: a script, the API client, and the modules of the script."""

from __future__ import annotations

import inspect
import json
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import openstack_api

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
