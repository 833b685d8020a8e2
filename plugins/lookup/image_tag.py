# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Tag of the images of a release."""

from __future__ import annotations

DOCUMENTATION = r"""
name: image_tag
short_description: Tag of the images of a release
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns the release and the first eight digits of the SHA-256 of its locks, such as C(2026.1-0a1b2c3d), so that
    images of another set of packages never have the same tag.
options:
  _terms:
    description: OpenStack releases.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show the tag
  ansible.builtin.debug:
    msg: "{{ lookup('caisson.openstack.image_tag', '2026.1') }}"
"""

RETURN = r"""
_raw:
  description: A tag for each release.
  type: list
  elements: str
"""

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes


class LookupModule(LookupBase):
    """Reads the locks that are part of the collection."""

    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        """Return a tag for each release in *terms*."""
        try:
            return [recipes.tag(str(term)) for term in terms]
        except recipes.ImageError as error:
            raise AnsibleError(str(error)) from error
