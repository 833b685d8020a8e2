#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Lines of the log of one host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: logs_info
short_description: Lines of the log of one host
version_added: 0.1.0
description:
  - Reads the log files of all containers of a host, rotated ones too, and returns the lines of a request, a time or a service.
  - The latest lines come back if there are more than O(limit).
author: The caisson authors (@caisson)
options:
  directory:
    description: Directory of the log files.
    type: path
    default: /var/log/caisson
  request_id:
    description: Request, or the beginning of its id.
    type: str
    default: ''
  since:
    description: Age such as V(15m), or time in UTC such as V(2026-01-02T03:04).
    type: str
    default: ''
  service:
    description: Service, or one of its containers.
    type: str
    default: ''
  limit:
    description: Number of lines that are returned at most.
    type: int
    default: 2000
  secrets:
    description: Texts that are masked wherever they stand.
    type: list
    elements: str
    default: []
attributes:
  check_mode: {support: full, description: Never changes anything.}
"""

EXAMPLES = r"""
- name: Read the log lines of a request
  caisson.openstack.logs_info:
    request_id: req-0a1b2c3d
"""

RETURN = r"""
entries:
  description: Lines in the order of time.
  returned: always
  type: list
  elements: dict
  sample: [{time: '2026-01-02T03:04:05.678Z', level: INFO, service: nova, container: nova_api, host: control1, text: '[req-0a1b] GET'}]
left_out:
  description: Number of earlier lines that were left out because of O(limit).
  returned: always
  type: int
"""

import dataclasses
import datetime
import pathlib
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.output import log_lines


def lines(directory: pathlib.Path) -> t.Iterator[str]:
    """Yield the lines of all files of a directory, of each container the oldest first."""
    if not directory.is_dir():
        raise FileNotFoundError(f"{directory} does not exist on this host; the container rsyslog writes it")
    for path in sorted(directory.glob("*.log*"), key=lambda path: (path.name.split(".")[0], path.stat().st_mtime)):
        with path.open(encoding="utf-8", errors="replace") as stream:
            yield from stream


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "default": "/var/log/caisson"},
            "request_id": {"type": "str", "default": ""},
            "since": {"type": "str", "default": ""},
            "service": {"type": "str", "default": ""},
            "limit": {"type": "int", "default": 2000},
            # what is marked so is masked in every result
            "secrets": {"type": "list", "elements": "str", "default": [], "no_log": True},
        },
        supports_check_mode=True,
    )
    params = module.params
    if params["limit"] < 1:
        module.fail_json(msg=f"limit is {params['limit']}; it must be at least 1")
    try:
        wanted = log_lines.wanted(params["request_id"], params["since"], params["service"], datetime.datetime.now(datetime.UTC))
        entries, left_out = log_lines.select(lines(pathlib.Path(params["directory"])), wanted, params["limit"])
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, entries=[dataclasses.asdict(entry) for entry in entries], left_out=left_out)


if __name__ == "__main__":
    main()
