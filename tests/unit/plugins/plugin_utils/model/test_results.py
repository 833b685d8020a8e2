# SPDX-License-Identifier: Apache-2.0
"""The result of the model hides its secrets, in every form in which files may contain them."""

from __future__ import annotations

import base64
import json
import typing as t
import zlib

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Database
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import build, results


def _empty() -> build.HostModel:
    return build.build([], build.Site("c1", {"all": ["c1"]}, "", "1"), lambda _service, _file: "", t.cast(t.Any, None))


def test_secrets_are_listed_in_every_form_and_not_shown() -> None:
    model = _empty()
    model.databases = [Database(name="alpha", user="alpha", password="p")]
    found = results.as_result(model, {"s"}, lambda secret: [secret, secret.upper()])
    payload = json.loads(zlib.decompress(base64.b64decode(found["files"])))
    assert payload["secrets"] == ["P", "S", "p", "s"]
    assert found["_ansible_no_log"] is True
    assert found["changed"] is False
    assert json.loads(found["apis"]) == {"probes": {}, "resources": {}}
