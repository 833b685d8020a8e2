# SPDX-License-Identifier: Apache-2.0
"""Options of every module that brings up containers, and may be called several times until they are healthy."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation shared by modules."""

    DOCUMENTATION = r"""
options:
  patience:
    description:
      - Seconds after which the call returns although some containers are not healthy yet; RV(waiting) names them.
      - Call the module again to continue.
    type: int
    default: 600
  elapsed:
    description: Seconds that earlier calls of the same run took; they count against O(containers[].start_timeout).
    type: int
    default: 0
  parallel:
    description:
      - Containers and jobs that are worked on at the same time, and the most containers that are starting at any time.
    type: int
    default: 8
  starting:
    description: Containers that earlier calls of the same task changed and that were not healthy yet; they count in O(parallel).
    type: list
    elements: str
    default: []
"""
