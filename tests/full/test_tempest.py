# SPDX-License-Identifier: Apache-2.0
"""Every test of the public suite that applies passes on a cloud of its own, which is removed afterwards."""

from __future__ import annotations

from tests.cloud.conftest import NAME, Cloud, recap


def test_every_test_that_applies_passes(cloud: Cloud) -> None:
    text = cloud.play("tempest")
    assert recap(text)["failed"] == 0
    assert ", 0 failed" in text
    cloud.play("destroy", "-e", f"destroy_confirm={NAME}")
