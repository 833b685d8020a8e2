# SPDX-License-Identifier: Apache-2.0
"""Compare what the hosts of a run found out about themselves and each other, once for all of them."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail

from ansible_collections.caisson.openstack.plugins.plugin_utils.controller import Arguments, ControllerAction, Result
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import peers


class ActionModule(ControllerAction):
    """Runs on the controller only; nothing is asked of the hosts."""

    ARGUMENTS: t.ClassVar = {
        "hosts": {"type": "dict", "required": True},
        "virtual_addresses": {"type": "dict", "default": {}},
        "virtual_address_hosts": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, args: Arguments) -> Result:
        """Fail with what does not fit; see the documentation of the module."""
        errors = list(peers.errors(args["hosts"], args["virtual_address_hosts"], args["virtual_addresses"]))
        if errors:
            lines = "\n".join(f"  - {line}" for line in errors)
            raise AnsibleActionFail(f"the hosts do not fit together; nothing was changed:\n{lines}")
        return {"changed": False}
