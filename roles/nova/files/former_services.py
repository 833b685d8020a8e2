# SPDX-License-Identifier: Apache-2.0
"""Remove Nova's records of conductors and schedulers on hosts that are not in the inventory any more. Runs in Nova's image.

Such a record stays down for ever. Nova also takes the release of the host's last report for one that is still in use, and speaks to all
others as to that one. Records of hypervisors are not removed here: they hold what their servers use.

The argument is a JSON list of the hosts that may have one.
"""

from __future__ import annotations

import json
import sys
import typing as t

BINARIES = ("nova-conductor", "nova-scheduler")


def former(services: t.Iterable[t.Any], hosts: t.Collection[str]) -> t.List[t.Any]:
    """Return the records of *services* whose host is none of *hosts*."""
    return [item for item in services if item.binary in BINARIES and item.host not in hosts]


def main() -> None:
    """Remove the records."""
    from nova import config, context, objects

    objects.register_all()
    config.parse_args(["nova"])
    for service in former(objects.ServiceList.get_all(context.get_admin_context()), json.loads(sys.argv[1])):
        service.destroy()
        print(f"{service.binary} on {service.host} is forgotten")


if __name__ == "__main__":
    main()
