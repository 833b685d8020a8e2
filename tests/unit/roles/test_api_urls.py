# SPDX-License-Identifier: Apache-2.0
"""A cloud whose APIs have a name: all URLs follow."""

from __future__ import annotations

import pathlib

from tests.unit.roles.rendering import lines, render
from tests.unit.roles.test_settings import HOST_CAPABILITIES, write_inventory


def test_every_url_has_the_name_of_the_apis_if_there_is_one(tmp_path: pathlib.Path) -> None:
    address = "192.0.2.200"
    inventory = write_inventory(tmp_path, {"cloud_api_address": address})
    by_address = render(inventory, tmp_path, {"cloud_host_capabilities": HOST_CAPABILITIES})
    by_name = render(inventory, tmp_path, {"cloud_host_capabilities": HOST_CAPABILITIES, "cloud_api_fqdn": "Cloud.Example.ORG"})
    left = {line for line in lines(by_name) if address in line}
    # where it listens, what browsers may call it, and what an alert says of it
    strange = {line for line in left if not any(part in line for part in (f" bind {address}:", "ALLOWED_HOSTS", "summary: "))}
    assert not strange
    assert len(left) >= 8
    urls = {line for line in lines(by_name) if "cloud.example.org" in line}
    for name in ("auth_url", "www_authenticate_uri", "novncproxy_base_url", "nova_metadata_host", "OPENSTACK_KEYSTONE_URL"):
        assert any(name in line for line in urls), name
    for kind in ("public_url", "internal_url", "the administrator logs in at"):
        assert any(kind in line for line in urls), kind
    without = {line for line in lines(by_address) if address in line and line not in left}
    assert {line.replace(address, "cloud.example.org") for line in without} - lines(by_name) == {
        line.replace(address, "cloud.example.org") for line in without if "ALLOWED_HOSTS" in line or "api.pem" in line
    }
