# SPDX-License-Identifier: Apache-2.0
"""Tests of a real cloud on this machine, in the order of their files: make it, look at it, hurt it, remove it."""
