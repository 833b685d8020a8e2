# SPDX-License-Identifier: Apache-2.0
"""The result of the model hides its secrets, in every form in which files may contain them."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.common import packed
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Database
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import build, results


def _empty() -> build.HostModel:
    return build.build([], build.Site("c1", {"all": ["c1"]}, "", "1"), lambda _service, _file: "", t.cast(t.Any, None))


def test_secrets_are_listed_in_every_form_and_not_shown() -> None:
    model = _empty()
    model.databases = [Database(name="alpha", user="alpha", password="p")]
    found = results.as_result(model, {"s"}, lambda secret: [secret, secret.upper()])
    payload = packed.unpack(found["files"])
    assert payload["secrets"] == ["P", "S", "p", "s"]
    assert found["_ansible_no_log"] is True
    assert found["changed"] is False


def test_a_part_is_read_by_its_name() -> None:
    model = _empty()
    model.databases = [Database(name="alpha", user="alpha", password="p")]
    found = results.as_result(model, set(), lambda secret: [secret])
    assert [item["name"] for item in results.part(found["parts"], "databases")] == ["alpha"]
    assert results.part(found["parts"], "probes") == {}
    with pytest.raises(KeyError, match="no part 'apis' in the model; the parts are: stages, databases, "):
        results.part(found["parts"], "apis")


def test_what_is_kept_of_each_host_is_text_and_lists_of_names() -> None:
    """Ansible keeps the results of all hosts in memory, where nested data takes ten times the space."""
    found = results.as_result(_empty(), set(), lambda secret: [secret])
    assert {name for name, value in found.items() if not isinstance(value, (str, bool))} == {"services", "containers", "images", "volumes"}
