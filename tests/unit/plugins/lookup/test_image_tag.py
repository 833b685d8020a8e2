# SPDX-License-Identifier: Apache-2.0
"""The lookup of an image tag."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError

from ansible_collections.caisson.openstack.plugins.lookup import image_tag
from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes


def test_one_tag_for_each_release() -> None:
    assert image_tag.LookupModule().run(["2026.1", "2025.2"]) == [recipes.tag("2026.1"), recipes.tag("2025.2")]


def test_an_unknown_release_names_the_known_ones() -> None:
    with pytest.raises(AnsibleError, match=r"release '2019\.1' is not known.*2025\.2, 2026\.1, 2026\.2"):
        image_tag.LookupModule().run(["2019.1"])
