# SPDX-License-Identifier: Apache-2.0
"""Make what a newer release of Nova has written readable for this one. Runs in an image of this release, before its services start.

A service does not start if all others of its kind have noted a newer version of themselves. Objects are stored with their version,
and one that is newer than what a release knows makes each request fail that reads it. Between two releases objects gain fields and
lose none, so without those that it does not know the object is of the version that it knows.
"""

from __future__ import annotations

import json
import typing as t

import sqlalchemy
from nova import config, objects
from nova.db.api import api as api_db
from nova.db.main import api as main_db
from nova.objects import base
from nova.objects.service import SERVICE_VERSION

#: Columns that hold objects, by table, of each of the two databases.
API_COLUMNS = {"request_specs": ["spec"], "build_requests": ["instance"]}
MAIN_COLUMNS = {
    "instance_extra": [
        *("device_metadata", "numa_topology", "pci_requests", "flavor", "vcpu_model"),
        *("migration_context", "keypairs", "trusted_certs", "resources"),
    ],
}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def known(value: t.Any) -> t.Any:
    """Return nested data with each object as this release knows it."""
    if isinstance(value, list):
        return [known(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: known(item) for key, item in value.items()}
    # the registry has the versions of a class, the newest first
    classes = base.NovaObjectRegistry.obj_classes().get(value.get("nova_object.name", ""), [])
    if not classes or _numbers(value["nova_object.version"]) <= _numbers(classes[0].VERSION):
        return value
    fields = classes[0].fields
    return {
        **value,
        "nova_object.version": classes[0].VERSION,
        "nova_object.data": {name: item for name, item in value["nova_object.data"].items() if name in fields},
        "nova_object.changes": [name for name in value.get("nova_object.changes", []) if name in fields],
    }


def rewrite(connection: sqlalchemy.Connection, columns: t.Dict[str, t.List[str]]) -> int:
    """Rewrite the objects in *columns* that this release does not know; return how many."""
    count = 0
    for table, names in columns.items():
        for name in names:
            rows = connection.execute(sqlalchemy.text(f"SELECT id, {name} FROM {table} WHERE {name} LIKE '%nova_object.version%'"))
            for identifier, text in rows.fetchall():
                before = json.loads(text)
                after = known(before)
                if after != before:
                    statement = sqlalchemy.text(f"UPDATE {table} SET {name} = :value WHERE id = :id")
                    connection.execute(statement, {"value": json.dumps(after), "id": identifier})
                    count += 1
    return count


def main() -> None:
    """Rewrite both databases, each in one transaction."""
    objects.register_all()
    config.parse_args(["nova"])
    with main_db.get_engine().begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE services SET version = :own WHERE version > :own"), {"own": SERVICE_VERSION})
        count = rewrite(connection, MAIN_COLUMNS)
    with api_db.get_engine().begin() as connection:
        count += rewrite(connection, API_COLUMNS)
    print(f"{count} objects were rewritten")


if __name__ == "__main__":
    main()
