#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Read the figures of the prober."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prober_info
short_description: Read the figures of the prober
version_added: 0.1.0
description:
  - Returns how often APIs and addresses answered in any time in which M(caisson.openstack.prober) ran.
author: The caisson authors (@caisson)
options:
  directory:
    description: Directory of the host with the answers.
    type: path
    required: true
  since:
    description: Begin of the time, in seconds since 1970; when the latest prober started if it is not given.
    type: float
  until:
    description: End of the time, in seconds since 1970; now if it is not given.
    type: float
attributes:
  check_mode: {support: full, description: Never changes anything.}
  diff_mode: {support: none, description: Never changes anything.}
"""

EXAMPLES = r"""
- name: Read the figures of five minutes
  caisson.openstack.prober_info:
    directory: /var/lib/caisson/prober
    since: 1767323045
    until: 1767323345
"""

RETURN = r"""
figures:
  description:
    - Figures of the time from RV(ignore:figures.since) to RV(ignore:figures.until), of each API and each address; times in seconds,
      RV(ignore:figures.unwatched) those in which no prober ran.
    - A question has failed if it failed twice in a row. A gap goes from the first failure to the next good answer.
  returned: success
  type: dict
  sample:
    since: 1767323045.0
    until: 1767323345.0
    unwatched: 0.0
    apis:
      compute:
        asked: 1500
        failed: 3
        retried: 4
        availability: 99.8
        longest_gap: 0.61
        slowest: 0.31
        error: HTTP 503
        gaps: [{begin: 1767323100.1, end: 1767323100.71, lost: 3, kind: read}]
    pings:
      198.51.100.110:
        sent: 15000
        lost: 12
        longest_gap: 0.24
        slowest: 0.004
        gaps: [{begin: 1767323101.02, end: 1767323101.26, lost: 12, kind: ping}]
    step: 1
    timeline:
      compute: {asked: [5, 5, 5], failed: [0, 3, 0], slowest: [0.05, 0.31, 0.06]}
lines:
  description: The same for people.
  returned: success
  type: list
  elements: str
"""

import dataclasses
import pathlib

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.prober import answers, availability


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "since": {"type": "float"},
            "until": {"type": "float"},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        figures = answers.figures(pathlib.Path(params["directory"]), params["since"], params["until"])
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, figures=dataclasses.asdict(figures), lines=availability.table(figures))


if __name__ == "__main__":
    main()
