# SPDX-License-Identifier: Apache-2.0
"""Images come in parts of the size that Glance's own client sends."""

from __future__ import annotations

import hashlib
import os

from tests.cloud.api import Api
from tests.cloud.conftest import Cloud

#: What glanceclient sends at a time, for Nova too when it makes a snapshot.
PART = 2**20


def test_an_image_comes_in_large_parts(cloud: Cloud) -> None:
    api, parts = Api(cloud), [os.urandom(PART) for _ in range(8)] + [os.urandom(1000)]
    image = api.post("image", "/v2/images", {"name": "in-parts", "disk_format": "raw", "container_format": "bare"})["id"]
    try:
        api.upload("image", f"/v2/images/{image}/file", parts)
        found = api.get("image", f"/v2/images/{image}")
        assert found["status"] == "active"
        assert found["os_hash_value"] == hashlib.sha512(b"".join(parts)).hexdigest()
    finally:
        api.delete("image", f"/v2/images/{image}")
