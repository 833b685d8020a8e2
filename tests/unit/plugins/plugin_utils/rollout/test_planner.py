# SPDX-License-Identifier: Apache-2.0
"""From what hosts and new images say to an ordered rollout, and whether it may begin."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Ahead, Check, Migration, Package, Phase, Rollout
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout import planner
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout.planner import Preconditions
from tests.unit.rollouts import a_rollout, event

NOW = datetime.datetime(2026, 11, 21, 14, 2, 5, tzinfo=datetime.UTC)
CONTROL = ["control-1", "control-2", "control-3"]
COMPUTE = ["compute-1", "compute-2"]
#: Containers with their tiers and services, in the order of a model, which is not that of a rollout.
ON_CONTROL = {
    "mariadb": ("backend", "mariadb"),
    "keystone_api": ("identity", "keystone"),
    "nova_api": ("api", "nova"),
    "nova_conductor": ("conductor", "nova"),
    "placement_api": ("api", "placement"),
}
ON_COMPUTE = {"nova_compute": ("compute", "nova"), "ovn_controller": ("ovn", "ovn")}
LOCKS = {
    ("2025.2", "lock-2025.2"): {"nova": "32.2.1", "keystone": "28.0.0", "openstack-placement": "14.0.0"},
    ("2026.1", "lock-2026.1"): {"nova": "33.0.2", "keystone": "28.0.0", "openstack-placement": "15.0.0"},
}
#: Kinds as migrations.classify finds them.
ADD = "from alembic import op\nimport sqlalchemy as sa\n\ndef upgrade():\n    op.add_column('t', sa.Column('a', sa.Integer()))\n"
DROP = "from alembic import op\n\ndef upgrade():\n    op.drop_table('t')\n"


def _updated(container: str, service: str, **changes: t.Any) -> dict[str, t.Any]:
    """Return a update as a host tells it; backends and switches have images without a lock."""
    sides = ("2025.2", "2026.1") if service in ("keystone", "nova", "placement") else ("", "")
    values = {
        "container": container,
        "service": service,
        "action": "replace",
        "reasons": ["image"],
        "impact": "pings may be lost" if service == "ovn" else "",
        "image_from": "sha256:1",
        "image_to": "sha256:2",
        "new_image": True,
        **{f"release_{name}": release for name, release in zip(("from", "to"), sides, strict=True)},
        **{f"lock_{name}": release and f"lock-{release}" for name, release in zip(("from", "to"), sides, strict=True)},
    }
    return {**values, **changes}


def _make(facts: t.Sequence[dict[str, t.Any]] = (), last: Rollout | None = None, **changes: t.Any) -> Rollout:
    places = {**dict.fromkeys(CONTROL, ON_CONTROL), **dict.fromkeys(COMPUTE, ON_COMPUTE)}
    values: dict[str, t.Any] = {
        "updates": {host: [_updated(name, service) for name, (_tier, service) in own.items()] for host, own in places.items()},
        "gates": {host: [{"container": name, "tier": tier} for name, (tier, _service) in own.items()] for host, own in places.items()},
    }
    values |= changes
    return planner.make(
        "example", "2026.1", values["updates"], values["gates"], facts, lambda release, lock: LOCKS.get((release, lock), {}), NOW, last
    )


def _schema(source: str, reviewed: dict[str, str] | None = None) -> dict[str, t.Any]:
    pending = [{"revision": "abc", "source": source}]
    return {"schemas": [{"name": "nova", "ahead": [], "pending": pending, "reviewed": reviewed or {}}], "checks": []}


def _ahead(name: str = "nova") -> dict[str, t.Any]:
    return {"schemas": [{"name": name, "ahead": ["beef"], "pending": [], "reviewed": {}}], "checks": []}


# -- the plan ---------------------------------------------------------------------------------------------------


def test_three_control_hosts_and_two_computes_are_gone_through_tier_by_tier() -> None:
    plan = _make()
    assert [(tier, plan.hosts(tier)) for tier in plan.tiers()] == [
        ("ovn", COMPUTE),
        ("backend", CONTROL),
        ("identity", CONTROL),
        ("conductor", CONTROL),
        ("api", CONTROL),
        ("compute", COMPUTE),
    ]
    order = [update.container for tier in plan.tiers() for update in plan.updates if (update.host, update.tier) == ("control-1", tier)]
    assert order == ["mariadb", "keystone_api", "nova_conductor", "nova_api", "placement_api"]


def test_a_plan_says_what_it_is() -> None:
    plan = _make()
    assert (plan.cloud, plan.id, plan.phase, plan.holder) == ("example", "20261121T140205", "planned", None)
    assert (plan.release_from, plan.release_to) == ("2025.2", "2026.1")
    update = next(update for update in plan.updates if update.container == "nova_api")
    assert (update.host, update.service, update.image_from, update.image_to) == ("control-1", "nova", "sha256:1", "sha256:2")
    assert (update.release_from, update.release_to, update.reasons) == ("2025.2", "2026.1", ["image"])


def test_the_oldest_release_that_runs_is_where_it_begins() -> None:
    gates = {"control-1": [{"container": "nova_api", "tier": "api"}, {"container": "keystone_api", "tier": "identity"}]}
    updates = {"control-1": [_updated("nova_api", "nova", release_from="2026.1"), _updated("keystone_api", "keystone")]}
    assert _make(updates=updates, gates=gates).release_from == "2025.2"


def test_without_a_release_before_it_stays_within_one() -> None:
    plan = _make(updates={"control-1": [_updated("mariadb", "mariadb")]})
    assert (plan.release_from, plan.release_to) == ("2026.1", "2026.1")


def test_packages_are_named_once_by_what_they_are_called_upstream() -> None:
    assert _make().packages == [
        Package(image="nova", name="nova", version_from="32.2.1", version_to="33.0.2"),
        Package(image="placement", name="placement", version_from="14.0.0", version_to="15.0.0"),
    ]


def test_a_version_that_is_not_known_is_left_open() -> None:
    (package,) = _make(updates={"control-1": [_updated("nova_api", "nova", lock_from="of somebody else")]}).packages
    assert (package.version_from, package.version_to) == ("", "33.0.2")


def test_what_new_images_say_is_in_the_plan() -> None:
    check = {"service": "nova", "result": "warning", "detail": "old computes"}
    plan = _make([_schema(ADD), {"schemas": [], "checks": [check]}, _schema(DROP, {"abc": "nobody reads it"})])
    assert plan.checks == [Check(service="nova", result="warning", detail="old computes")]
    assert [(item.schema, item.revision, item.kind, item.reviewed) for item in plan.migrations] == [
        ("nova", "abc", "additive", ""),
        ("nova", "abc", "destructive", "nobody reads it"),
    ]


# -- whether it may begin ---------------------------------------------------------------------------------------


def _errors(plan: Rollout | None = None, absent: t.Sequence[str] = (), **preconditions: t.Any) -> list[str]:
    return planner.check(plan or _make(), absent, Preconditions(**preconditions))


def test_a_sound_plan_may_begin() -> None:
    assert _errors() == []


DISK = {"control-1": {"directory": "/var/lib/docker", "free": 51200}, "compute-1": {"directory": "/srv/docker", "free": 999}}


def test_a_host_without_disk_space_is_named() -> None:
    assert _errors(disk_free=DISK, minimum_disk=999) == []
    (error,) = _errors(disk_free=DISK, minimum_disk=1000)
    assert error.startswith("compute-1 has 999 MiB free in /srv/docker; 1000 are needed (rollout_minimum_disk)")


@pytest.mark.parametrize(
    ("age", "allowed", "line"),
    [
        (-1, 0, "Backup: there is none, a new one is made first."),
        (7500, 0, "Backup: the newest is 2 h 5 min old, a new one is made first."),
        (7500, 86400, "Backup: the newest is 2 h 5 min old, and it is used."),
    ],
)
def test_backup_and_disk_space_are_told(age: int, allowed: int, line: str) -> None:
    assert planner.notes(Preconditions(backup_age=age, backup_max_age=allowed)) == [line]
    least = "Free disk space: 999 MiB or more, the least in /srv/docker of compute-1."
    assert planner.notes(Preconditions(backup_age=age, backup_max_age=allowed, disk_free=DISK)) == [line, least]


def _earlier(phase: Phase, release_to: str, **changes: t.Any) -> Rollout:
    return dataclasses.replace(a_rollout(), phase=phase, release_from="2026.1", release_to=release_to, **changes)


def test_a_database_that_is_ahead_is_told_and_needs_a_rollout_that_was_taken_back() -> None:
    plan = _make([_schema(ADD), _ahead()], _earlier("rolled_back", "2026.2"))
    assert plan.ahead == [Ahead(schema="nova", revisions=["beef"], release="2026.2")]
    assert _errors(plan) == []
    assert "  schema nova: ahead, as the rollout to 2026.2 left it: nothing to apply" in planner.summary(plan)
    # the next minor update still knows it, whether that one was taken back or not
    assert _make([_ahead()], _earlier("finalized", "2026.1", ahead=plan.ahead)).ahead == plan.ahead
    assert _make([_ahead()], _earlier("rolled_back", "2026.1", ahead=plan.ahead)).ahead == plan.ahead
    # as nothing else explains it, the images may be too old
    other = [Ahead(schema="glance", revisions=["beef"], release="2026.2")]
    for last in (None, _earlier("rolled_back", "2026.1", ahead=other), _earlier("finalized", "2026.2")):
        (error,) = _errors(_make([_ahead()], last))
        assert error.startswith("the database of schema nova is at revision beef, which the new images do not know")


def test_images_that_are_not_there_are_named() -> None:
    (error,) = _errors(absent=["caisson/nova:2026.1-0a1b2c3d"])
    assert "caisson/nova:2026.1-0a1b2c3d: build them" in error


def test_another_release_is_for_all_services() -> None:
    (error,) = _errors(whole=False)
    assert "run it without a list of services" in error
    same = _make()
    same.release_from = same.release_to
    for update in same.updates:
        update.release_from = same.release_to
    assert _errors(same, whole=False) == []


def test_each_release_from_which_there_is_no_way_is_named() -> None:
    plan = _make()
    for update, release in zip(plan.updates, ["2024.1", "2025.2", "2024.2", "2024.1"], strict=False):
        update.release_from = release
    assert _errors(plan) == [
        "2024.1 cannot become 2026.1 at once: upgrade to 2024.2 first",
        "2024.2 cannot become 2026.1 at once: upgrade to 2025.1 first",
    ]


@pytest.mark.parametrize(
    ("result", "accept", "refused"),
    [
        ("success", False, False),
        ("warning", True, False),
        ("warning", False, True),
        ("failure", True, True),
        ("failure", False, True),
    ],
)
def test_a_failing_check_is_a_reason_and_a_warning_unless_it_is_accepted(result: t.Any, accept: bool, refused: bool) -> None:
    plan = dataclasses.replace(_make(), checks=[Check(service="nova", result=result, detail="old computes")])
    assert _errors(plan, accept_warnings=accept) == ([f"the upgrade check of nova says {result}: old computes"] if refused else [])


@pytest.mark.parametrize(
    ("age", "allowed", "error"),
    [
        (-1, 3600, "there is no backup; make one with the playbook backup"),
        (90061, 86400, "the newest backup is 25 h 1 min old, 24 h 0 min are allowed (rollout_backup_max_age)"),
        (3599, 600, "the newest backup is 59 min old, 10 min are allowed"),
        (3600, 3600, None),
        # the rollout makes one itself
        (-1, 0, None),
        (90061, 0, None),
    ],
)
def test_a_backup_must_be_there_and_fresh_unless_the_rollout_makes_one(age: int, allowed: int, error: str | None) -> None:
    found = _errors(backup_age=age, backup_max_age=allowed)
    assert len(found) == bool(error)
    assert not error or found[0].startswith(error)


# -- whether an open one may be taken on ----------------------------------------------------------------------------

_WHAT = "the rollout 2025.2 -> 2026.1"
_ROLLING_BACK = f"{_WHAT} is being rolled back: complete it with the playbook rollback"
_FINALIZING = f"{_WHAT} is being finalized: complete it with the playbook finalize"


def _early(phase: str) -> str:
    return f"{_WHAT} is not complete, but {phase}: run the playbook upgrade first"


def _ended(verb: str, phase: str) -> str:
    lost = "; its contracted schemas and migrated data are not for 2025.2" if phase == "finalized" else ""
    return f"{_WHAT} is {phase.replace('_', ' ')}{lost}: there is nothing to {verb}"


@pytest.mark.parametrize(
    ("phase", "upgrade", "finalize", "rollback"),
    [
        ("planned", "", _early("planned"), ""),
        ("backed_up", "", _early("backed up"), ""),
        ("expanded", "", _early("expanded"), ""),
        ("rolled", "", "", ""),
        ("verified", "", "", ""),
        ("finalizing", _FINALIZING, "", _FINALIZING),
        ("rolling_back", _ROLLING_BACK, _ROLLING_BACK, ""),
        *((phase, *(_ended(verb, phase) for verb in ("upgrade", "finalize", "rollback"))) for phase in ("finalized", "rolled_back")),
    ],
)
def test_a_verb_has_its_phases(phase: Phase, upgrade: str, finalize: str, rollback: str) -> None:
    plan = dataclasses.replace(a_rollout(), phase=phase, migrations=[])
    for verb, error in (("upgrade", upgrade), ("finalize", finalize), ("rollback", rollback)):
        assert planner.check_verb(plan, verb, "2026.1") == ([error] if error else [])


def test_every_phase_was_asked_about() -> None:
    marks: t.Any = test_a_verb_has_its_phases
    assert {row[0] for row in marks.pytestmark[0].args[1]} == set(t.get_args(Phase))


def test_the_inventory_must_name_the_release_to_go_on_but_not_to_go_back() -> None:
    plan = dataclasses.replace(a_rollout(), migrations=[])
    error = f"{_WHAT} is open, and the inventory says 2026.2: set cloud_release to 2026.1, or run the playbook rollback"
    assert [planner.check_verb(plan, verb, "2026.2") for verb in ("upgrade", "finalize", "rollback")] == [[error], [error], []]


def test_there_is_no_way_back_over_what_a_migration_destroyed() -> None:
    plan = a_rollout()
    (error,) = planner.check_verb(plan, "rollback", "2026.1")
    assert error.startswith(f"{_WHAT} cannot be rolled back. From migration b1bca967e19d of neutron on the old release cannot serve")
    # it was not applied yet
    before = dataclasses.replace(plan, phase="backed_up", events=[event(0, "planned", "done"), event(1, "backed_up", "done")])
    assert planner.check_verb(before, "rollback", "2026.1") == []
    # somebody looked at it
    for migration in plan.migrations:
        migration.reviewed = "nobody reads it"
    assert planner.check_verb(plan, "rollback", "2026.1") == []


# -- for people ---------------------------------------------------------------------------------------------------


def test_a_plan_is_shown_in_order() -> None:
    check = [{"service": name, "result": result, "detail": ""} for name, result in (("nova", "warning"), ("glance", "success"))]
    updates = {
        "control-1": [_updated("nova_api", "nova"), _updated("nova_conductor", "nova")],
        "compute-1": [_updated("ovn_controller", "ovn")],
    }
    assert planner.summary(_make([{"schemas": [], "checks": check}, _schema(ADD)], updates=updates)) == [
        "Rollout 20261121T140205 of example: 2025.2 -> 2026.1, planned",
        "  nova           32.2.1 -> 33.0.2",
        "  1. ovn        compute-1: ovn_controller",
        "  2. conductor  control-1: nova_conductor",
        "  3. api        control-1: nova_api",
        "  schema nova: additive, abc: adds column t.a",
        "  upgrade check of nova: warning",
        "What users notice:",
        "  ovn_controller on compute-1: pings may be lost",
        "Rollback is possible until it is finalized.",
    ]


def test_how_long_it_takes_is_said_before_the_way_back() -> None:
    assert planner.summary(_make(), ["About 5 min."])[-2:] == ["About 5 min.", "Rollback is possible until it is finalized."]


def test_a_version_that_is_not_known_is_shown_as_such() -> None:
    plan = dataclasses.replace(_make(), packages=[Package(image="nova", name="nova", version_to="33.0.2")])
    assert planner.summary(plan)[1] == "  nova           ? -> 33.0.2"


def test_a_rollout_within_a_release_says_so() -> None:
    plan = _make(updates={"control-1": [_updated("mariadb", "mariadb")]})
    assert planner.summary(plan)[0] == "Rollout 20261121T140205 of example: within 2026.1, planned"


def test_nothing_to_do_is_one_line() -> None:
    assert planner.summary(_make(updates={})) == ["Rollout: nothing to do, everything is at 2026.1."]


@pytest.mark.parametrize(
    ("kind", "reviewed", "begin"),
    [
        ("rewrite", "", "it is finalized."),
        ("destructive", "nobody reads it", "it is finalized."),
        ("destructive", "", "the databases are expanded. From migration r of nova on the old release cannot serve: it drops t."),
    ],
)
def test_the_point_of_no_return_is_where_data_are_lost_and_nobody_looked(kind: t.Any, reviewed: str, begin: str) -> None:
    migration = Migration(schema="nova", revision="r", kind=kind, details=["drops t"], reviewed=reviewed)
    assert planner.point_of_no_return(dataclasses.replace(_make(), migrations=[migration])) == begin
