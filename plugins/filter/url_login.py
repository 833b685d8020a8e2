# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""User and password of a URL."""

from __future__ import annotations

DOCUMENTATION = r"""
name: url_login
short_description: User and password of a URL
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns a user and a password as they are written before the C(@) of a URL, with special characters encoded.
positional: password
options:
  _input:
    description: Name of the user.
    type: str
    required: true
  password:
    description: Password of the user.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the URL of a database without its password
  ansible.builtin.debug:
    msg: "mysql+pymysql://{{ 'glance' | caisson.openstack.url_login('a@b/c') | regex_replace(':.*', '') }}@192.0.2.11/glance"
"""

RETURN = r"""
_value:
  description: User and password, with a colon between.
  type: str
  sample: glance:a%40b%2Fc
"""

import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import secret_text


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"url_login": secret_text.url_login}
