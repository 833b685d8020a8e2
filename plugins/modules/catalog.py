#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Users, services and endpoints in Keystone."""

from __future__ import annotations

DOCUMENTATION = r"""
module: catalog
short_description: Users, services and endpoints in Keystone
version_added: 0.1.0
description:
  - Makes the users of services, with their roles in one project, and the catalog what they should be, in one session.
  - A URL that changed is updated, a duplicate endpoint is removed, and so is the former user of a pair whose
    password was rotated; nothing else is ever deleted.
author: The caisson authors (@caisson)
options:
  auth:
    required: true
  region:
    description: Region of the endpoints.
    type: str
    required: true
  project:
    description: Project of the services' users.
    type: str
    default: service
  timeout:
    description: Seconds to wait for an API that is starting.
    type: int
    default: 60
extends_documentation_fragment: [caisson.openstack.registration, caisson.openstack.registration.auth]
attributes:
  check_mode: {support: full, description: Says what would be created or changed. Where Keystone does not answer yet that is everything.}
  diff_mode: {support: full, description: 'Shows each step and its reason, never passwords.'}
"""

EXAMPLES = r"""
- name: Register Glance in the catalog
  caisson.openstack.catalog:
    auth: {auth_url: 'https://192.0.2.1:5000/v3', username: admin, password: "{{ admin_password }}", project_name: admin}
    region: RegionOne
    endpoints:
      - {name: glance, type: image, internal_url: 'https://192.0.2.1:9292', public_url: 'https://192.0.2.1:9292'}
"""

RETURN = r"""
changes:
  description: What was changed and why.
  returned: always
  type: list
  elements: str
  sample: ['service glance (image): it does not exist']
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.model.api import CatalogEntry
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import User
from ansible_collections.caisson.openstack.plugins.module_utils.registration.catalog import AUTH, CatalogError, Keystone, observe, plan


def _apply(keystone: Keystone, auth: dict[str, t.Any], **wanted: t.Any) -> list[str]:
    """Bring users and catalog to what is wanted; return what was changed."""
    keystone.login(auth["username"], auth["password"], auth["project_name"])
    current = keystone.read(wanted["users"], wanted["project"], wanted["region"])
    steps = plan(current, **wanted)
    try:
        for step in steps:
            keystone.apply(current, step)
    except CatalogError as error:
        raise CatalogError(f"{error}; earlier changes are complete; fix this and run it again", error.status) from error
    return [str(step) for step in steps]


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "auth": {"type": "dict", "required": True, "options": AUTH},
            "region": {"type": "str", "required": True},
            "project": {"type": "str", "default": "service"},
            "users": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(User)},
            "endpoints": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(CatalogEntry)},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    params = module.params
    users = [dataclass_spec.construct(User, item) for item in params["users"]]
    endpoints = [dataclass_spec.construct(CatalogEntry, item) for item in params["endpoints"]]
    auth = params["auth"]
    keystone = Keystone(auth["auth_url"], 0 if module.check_mode else params["timeout"], auth["ca_certificates"])
    wanted = {"users": users, "endpoints": endpoints, "project": params["project"], "region": params["region"]}
    try:
        changes = observe(keystone, auth, **wanted) if module.check_mode else _apply(keystone, auth, **wanted)
    except CatalogError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(changes), changes=changes, diff={"before": "", "after": "".join(f"{change}\n" for change in changes)})


if __name__ == "__main__":
    main()
