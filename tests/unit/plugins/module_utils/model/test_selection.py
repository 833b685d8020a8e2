# SPDX-License-Identifier: Apache-2.0
"""What a list of services, tags and skipped tags mean."""

from __future__ import annotations

import re

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.model.selection import check_tags, choose, required
from tests.unit.builders import a_service

_KNOWN = ["mariadb", "keystone", "glance", "nova"]


@pytest.mark.parametrize(
    ("services", "run_tags", "skip_tags", "chosen"),
    [
        ([], ["all"], [], _KNOWN),
        ([], [], [], _KNOWN),
        (["nova", "glance"], ["all"], [], ["glance", "nova"]),
        ([], ["nova"], [], ["nova"]),
        (["glance"], ["nova"], [], ["glance", "nova"]),
        ([], ["all"], ["nova"], ["mariadb", "keystone", "glance"]),
        ([], ["tagged"], ["never", "molecule-notest"], _KNOWN),
    ],
)
def test_lists_and_tags_choose_services(services: list[str], run_tags: list[str], skip_tags: list[str], chosen: list[str]) -> None:
    assert choose(_KNOWN, services, run_tags, skip_tags) == (frozenset(chosen), [])


@pytest.mark.parametrize(
    ("services", "run_tags", "skip_tags", "error"),
    [
        (["glnace"], [], [], "'glnace' is not a service of this play.*did you mean 'glance'"),
        ([], ["containers"], [], "phases cannot be run alone; the services are: mariadb, keystone, glance, nova"),
        ([], [], ["novaa"], "did you mean 'nova'"),
        (["nova"], [], ["nova"], "no service is selected"),
    ],
)
def test_a_name_that_is_no_service_is_refused(services: list[str], run_tags: list[str], skip_tags: list[str], error: str) -> None:
    _chosen, (found,) = choose(_KNOWN, services, run_tags, skip_tags)

    assert re.search(error, found)


@pytest.mark.parametrize(
    ("run_tags", "skip_tags", "select_services", "error"),
    [
        (["all"], ["nova"], False, ""),
        ([], [], False, ""),
        (["nova"], [], True, ""),
        (["nova"], [], False, "--tags nova: the tasks of this playbook have no tags"),
        (["all"], ["nova", "always"], True, "--skip-tags always: this would skip checks"),
        (["nova"], ["tagged"], True, "--skip-tags tagged: this would skip checks"),
        (["all"], ["all", "untagged"], False, "--skip-tags all,untagged: this would skip checks"),
    ],
)
def test_tags_that_skip_what_a_playbook_needs_are_refused(
    run_tags: list[str], skip_tags: list[str], select_services: bool, error: str
) -> None:
    found = check_tags(run_tags, skip_tags, select_services)

    assert found.startswith(error)
    assert bool(found) == bool(error)


def test_what_is_required_and_not_chosen_is_named_in_order() -> None:
    services = [
        a_service(name="mariadb"),
        a_service(name="cache", enabled=False),
        a_service(name="keystone", requires=["mariadb"]),
        a_service(name="glance", requires=["keystone", "mariadb", "cache"]),
    ]
    assert required(services, {"glance"}) == ["mariadb", "keystone"]
    assert required(services, {"glance", "keystone"}) == ["mariadb"]
    assert required(services, {"mariadb"}) == []
