# SPDX-License-Identifier: Apache-2.0
"""The long tests make a cloud as the others do."""

from tests.cloud.conftest import cloud as cloud
