# SPDX-License-Identifier: Apache-2.0
"""Python programs for containers, which have no file of this collection: a script and the API client that it may import."""

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
print(json.dumps(define("script", {script!r}).main(json.loads({parameters!r}))))
"""


def program(script: str, parameters: t.Mapping[str, t.Any]) -> str:
    """Return a program that calls the function ``main`` of *script* and writes what it returns as its last line, in JSON."""
    return _PROGRAM.format(
        client_name=openstack_api.__name__,
        client=inspect.getsource(openstack_api),
        script=script,
        parameters=json.dumps(parameters),
    )
