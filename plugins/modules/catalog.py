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
  - A URL that changed is updated, an endpoint that is there twice is removed, and so is the former user of a pair whose
    password was rotated; nothing else is ever deleted.
author: The caisson authors (@caisson)
options:
  auth:
    description: How to log in.
    type: dict
    required: true
    suboptions:
      auth_url: {description: The API with its version., type: str, required: true}
      username: {description: An administrator., type: str, required: true}
      password: {description: Password of the administrator., type: str, required: true}
      project_name: {description: Project to log in to., type: str, required: true}
      ca_certificates: {description: 'CA certificates to trust instead of the system''s, as PEM text.', type: str, default: ''}
  region:
    description: Region of the endpoints.
    type: str
    required: true
  project:
    description: Project of the services' users.
    type: str
    default: service
  users:
    description: Users of services.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the user., type: str, required: true}
      password: {description: Password of the user., type: str, required: true}
      roles: {description: Roles in the project., type: list, elements: str, default: []}
      standby:
        description: The other user of the pair while a password rotates.
        type: dict
        suboptions:
          user: {description: Name of the user., type: str, required: true}
          password: {description: 'Its password, for a user that may log in as well; without one the user goes.', type: str, default: ''}
  endpoints:
    description: Services and their URLs.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the service., type: str, required: true}
      type: {description: 'Type of the service, such as V(image).', type: str, required: true}
      internal_url: {description: URL for other services., type: str, required: true}
      public_url: {description: URL for users., type: str, required: true}
      description: {description: Text for people., type: str, default: ''}
  timeout:
    description: Seconds to wait for an API that is starting.
    type: int
    default: 60
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

import pathlib

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Endpoint, User
from ansible_collections.caisson.openstack.plugins.module_utils.registration.catalog import AUTH, CatalogError, Keystone, plan

_UNAUTHORIZED = 401


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "auth": {"type": "dict", "required": True, "options": AUTH},
            "region": {"type": "str", "required": True},
            "project": {"type": "str", "default": "service"},
            "users": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(User)},
            "endpoints": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(Endpoint)},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    params = module.params
    users = [dataclass_spec.construct(User, item) for item in params["users"]]
    endpoints = [dataclass_spec.construct(Endpoint, item) for item in params["endpoints"]]
    auth = params["auth"]
    ca_file = None
    if auth["ca_certificates"]:
        ca_file = pathlib.Path(module.tmpdir) / "ca.crt"
        ca_file.write_text(auth["ca_certificates"], encoding="utf-8")
    keystone = Keystone(auth["auth_url"], 0 if module.check_mode else params["timeout"], str(ca_file) if ca_file else None)
    try:
        keystone.login(auth["username"], auth["password"], auth["project_name"])
        current = keystone.read(users)
    except CatalogError as error:
        # a run may be about to start Keystone or its database, or to give the administrator another password
        if not module.check_mode or not (error.silent or error.status == _UNAUTHORIZED):
            module.fail_json(msg=str(error))
        what = "does not answer" if error.silent else f"does not know {auth['username']}'s password"
        unknown = f"Keystone at {auth['auth_url']} {what}: users, services and endpoints are looked at once it does"
        module.exit_json(changed=True, changes=[unknown], diff={"before": "", "after": f"{unknown}\n"})
    steps = plan(current, users, endpoints, params["project"], params["region"])
    try:
        for step in steps if not module.check_mode else []:
            keystone.apply(current, step)
    except CatalogError as error:
        module.fail_json(msg=f"{error}; what came before is complete, run again when solved")
    changes = [str(step) for step in steps]
    module.exit_json(changed=bool(changes), changes=changes, diff={"before": "", "after": "".join(f"{change}\n" for change in changes)})


if __name__ == "__main__":
    main()
