# SPDX-License-Identifier: Apache-2.0
"""The APIs by name, behind which every service starts anew, and back by address."""

from __future__ import annotations

import pathlib
import typing as t
from urllib.parse import urlsplit

import pytest
import yaml

from tests.cloud.conftest import Cloud, recap
from tests.cloud.test_3c_tls import ADDRESS, ask, login

NAME = "cloud.caisson.test"
BY_NAME = ("-e", f"cloud_api_fqdn={NAME.upper()}")


@pytest.fixture
def resolvable(cloud: Cloud) -> t.Iterator[t.Callable[[], object]]:
    """Lets this machine resolve the name once it is called; the cloud goes by address again in the end."""
    hosts = pathlib.Path("/etc/hosts")
    before = hosts.read_text("utf-8")

    def resolve() -> None:
        hosts.write_text(f"{before}\n{ADDRESS} {NAME}\n", "utf-8")

    yield resolve
    try:
        cloud.play("site")
        cloud.play("access")
    finally:
        hosts.write_text(before, "utf-8")
    assert {urlsplit(url).hostname for url in urls(cloud)} == {ADDRESS}


def urls(cloud: Cloud) -> set[str]:
    _token, catalog = login(cloud)
    return {endpoint["url"] for service in catalog for endpoint in service["endpoints"]}


def test_a_cloud_goes_by_name(cloud: Cloud, resolvable: t.Callable[[], object]) -> None:
    text = " ".join(cloud.play("site", *BY_NAME, check=False).split())
    assert f"'{NAME}' must resolve to cloud_api_address, {ADDRESS}, and to nothing else, but the controller does not resolve it" in text
    assert {urlsplit(url).hostname for url in urls(cloud)} == {ADDRESS}
    resolvable()
    cloud.play("site", *BY_NAME)
    assert {urlsplit(url).hostname for url in urls(cloud)} == {NAME}
    for port in {urlsplit(url).port for url in urls(cloud)}:
        assert port
        # version discovery answers 300 Multiple Choices where an API has several versions
        assert ask(port, cloud.tls, NAME).status in {200, 300}, port
    cloud.play("access", *BY_NAME)
    clouds = yaml.safe_load((cloud.root / "inventory/aio/clouds.yaml").read_text("utf-8"))
    assert [urlsplit(entry["auth"]["auth_url"]).hostname for entry in clouds["clouds"].values()] == [NAME]
    assert recap(cloud.play("site", *BY_NAME))["changed"] == 0
    cloud.play("verify", *BY_NAME)
