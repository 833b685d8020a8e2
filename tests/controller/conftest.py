# SPDX-License-Identifier: Apache-2.0
"""These tests run actions in their own process."""

from __future__ import annotations

from tests import collection

collection.use()
