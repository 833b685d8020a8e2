#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Databases of a MariaDB server, and the users that own them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: databases
short_description: Databases of a MariaDB server, and the users that own them
version_added: 0.1.0
description:
  - Creates databases and users, sets passwords that are not as wanted, and grants what is missing, in one call.
  - Speaks to the server by its own client inside the container, where the administrator needs no password; to one outside of the cloud
    from a container of its own, with the account of O(database_server).
  - No database is ever dropped, and no user but the former one of a pair whose password was rotated.
author: The caisson authors (@caisson)
options:
  container:
    description: Name of the container.
    type: str
    default: mariadb
  only_new:
    description: Whether databases that exist, and users with O(databases[].privileges), are left as they are.
    type: bool
    default: false
extends_documentation_fragment:
  - caisson.openstack.engine
  - caisson.openstack.cloud
  - caisson.openstack.registration.databases
  - caisson.openstack.registration.database_server
attributes:
  check_mode: {support: full, description: Says what would be created or changed.}
  diff_mode: {support: full, description: 'Shows databases, users and reasons, never passwords.'}
"""

EXAMPLES = r"""
- name: Create the databases
  caisson.openstack.databases:
    cloud: example
    databases:
      - {name: glance, user: glance, password: "{{ glance_database_password }}"}
      - {name: monitoring, user: monitoring, password: "{{ monitoring_database_password }}", privileges: [USAGE]}
"""

RETURN = r"""
created:
  description: Databases that did not exist.
  returned: always
  type: list
  elements: str
changes:
  description: What was changed and why.
  returned: always
  type: list
  elements: str
  sample: ['database glance: it does not exist']
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateError, StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Database
from ansible_collections.caisson.openstack.plugins.module_utils.registration import databases, external_database
from ansible_collections.caisson.openstack.plugins.module_utils.registration.databases import Statement
from ansible_collections.caisson.openstack.plugins.module_utils.registration.external_database import DatabaseServer, ExternalDatabaseError


def _own(module: AnsibleModule, engine: Engine, wanted: list[Database]) -> tuple[list[Statement], list[str]]:
    """Bring the server of the container to what is wanted; return what was to be changed, and the databases that there were not."""
    container = module.params["container"]
    state = engine.container(container)
    absent = state is None or not state.running
    if absent and not module.check_mode:
        module.fail_json(msg=f"container {container} does not run on this host; see 'docker logs {container}'")
    if absent:
        (unknown,) = databases.observe(engine, container, wanted)
        module.exit_json(changed=True, changes=[unknown], created=[], diff={"before": "", "after": f"{unknown}\n"})
    current = databases.parse(databases.ask(engine, container, databases.query(wanted)))
    if module.params["only_new"]:
        wanted = databases.new(wanted, current)
    statements = databases.plan(wanted, current)
    if statements and not module.check_mode:
        databases.ask(engine, container, databases.script(statements))
    return statements, databases.created(wanted, current)


def _external(module: AnsibleModule, engine: Engine, wanted: list[Database], server: DatabaseServer) -> tuple[list[Statement], list[str]]:
    """Do the same with a server outside of the cloud."""
    ask = external_database.asker(engine, server, module.params["cloud"])
    current = external_database.read(ask, server, wanted)
    if module.params["only_new"]:
        wanted = databases.new(wanted, current)
    statements = databases.plan(wanted, current)
    if statements and not module.check_mode:
        external_database.apply(ask, server, statements)
    return statements, databases.created(wanted, current)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "container": {"type": "str", "default": "mariadb"},
            "only_new": {"type": "bool", "default": False},
            "databases": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(Database)},
            "database_server": {"type": "dict", "options": dataclass_spec.argument_spec(DatabaseServer)},
            **arguments.ENGINE,
            **arguments.CLOUD,
        },
        supports_check_mode=True,
    )
    wanted = [dataclass_spec.construct(Database, item) for item in module.params["databases"]]
    given = module.params["database_server"]
    server = dataclass_spec.construct(DatabaseServer, given) if given else None
    try:
        engine = Engine(connect(module.params))
        statements, created = _external(module, engine, wanted, server) if server else _own(module, engine, wanted)
        state = StateFile()
        # by it a later run knows that the data are there
        label = f"the external server {server.label}" if server else None
        if not module.check_mode and state.get("databases", "server") != label:
            state.put("databases", "server", label)
    except (EngineError, ExternalDatabaseError, StateError, ValueError) as error:
        module.fail_json(msg=str(error))
    changes = [f"{statement.subject}: {statement.reason}" for statement in statements]
    module.exit_json(
        changed=bool(changes),
        changes=changes,
        created=created,
        diff={"before": "", "after": "".join(f"{change}\n" for change in changes)},
    )


if __name__ == "__main__":
    main()
