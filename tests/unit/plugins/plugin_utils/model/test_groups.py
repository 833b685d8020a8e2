# SPDX-License-Identifier: Apache-2.0
"""Groups of an inventory that may have thousands of hosts."""

from __future__ import annotations

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.caisson.openstack.plugins.plugin_utils.model.groups import Groups, hosts_of, known_hosts_of, names

_GROUPS = {"control": ["c1", "c2"], "compute": ["n1", "c1"]}


@pytest.mark.parametrize("groups", [_GROUPS, Groups(_GROUPS)])
def test_a_pattern_names_each_host_once(groups: dict[str, list[str]]) -> None:
    assert [list(hosts_of(pattern, groups)) for pattern in ("control", "compute:control")] == [["c1", "c2"], ["n1", "c1", "c2"]]
    with pytest.raises(KeyError, match="contorl"):
        hosts_of("control:contorl", groups)


def test_a_number_means_one_host_of_the_group_as_it_does_in_ansible() -> None:
    inventory = InventoryManager(loader=DataLoader(), sources=None)
    for group, hosts in _GROUPS.items():
        inventory.add_group(group)
        for host in hosts:
            inventory.add_host(host, group)
    for pattern in ("control[0]", "control[1]", "compute[0]:control[0]", "control[0]:compute"):
        assert list(hosts_of(pattern, _GROUPS)) == [host.name for host in inventory.get_hosts(pattern)], pattern
    assert known_hosts_of("control[7]:contorl[0]", _GROUPS) == []
    assert names("network:control[0]") == ["network", "control"]


def test_a_group_that_is_not_there_may_count_as_empty() -> None:
    assert [known_hosts_of(pattern, _GROUPS) for pattern in ("contorl", "contorl:compute")] == [[], ["n1", "c1"]]


def test_what_a_pattern_means_is_found_out_once() -> None:
    groups = Groups(_GROUPS)
    first = hosts_of("compute:control", groups)
    groups["control"].append("c3")
    assert hosts_of("compute:control", groups) == first


def test_expressions_get_the_groups_and_not_a_copy() -> None:
    templar = Templar(loader=DataLoader(), variables={"groups": Groups(_GROUPS)})
    expression = "{{ [groups['control'], groups.compute | first, groups.nobody | default(5), groups | type_debug] }}"
    assert templar.template(trust_as_template(expression)) == [["c1", "c2"], "n1", 5, "Groups"]
