# SPDX-License-Identifier: Apache-2.0
"""Playbooks and plugins where no engine, no image and no host is needed: beside a machine that is busy with a cloud."""
