# SPDX-License-Identifier: Apache-2.0
"""What HAProxy says of the servers behind it, in the words of a real one with the columns in between left out."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.rollout import haproxy_stats

#: nova has three servers; of glance only c1 is up; dashboard has one server; keystone's c1 was drained; memcached is not checked.
STAT = """\
# pxname,svname,qcur,qmax,scur,smax,slim,stot,status,weight,act,bck,check_desc,
nova,FRONTEND,,,2,9,4096,812,OPEN,,,,,
nova,c1,1,1,4,5,,400,UP,1,1,0,Layer7 check passed,
nova,c2,0,0,1,4,,400,UP,1,1,0,"Layer7, check passed",
nova,c3,0,0,0,4,,12,DOWN,1,1,0,Layer4 connection problem,
nova,BACKEND,0,0,5,9,410,812,UP,2,2,0,,
glance,FRONTEND,,,0,1,4096,9,OPEN,,,,,
glance,c1,0,0,2,1,,9,UP,1,1,0,,
glance,c2,0,0,0,0,,0,DOWN 1/2,1,1,0,,
glance,c3,0,0,0,0,,0,MAINT,1,1,0,,
glance,BACKEND,0,0,2,1,410,9,UP,1,1,0,,
dashboard,c1,0,0,0,0,,0,UP,1,1,0,,
dashboard,BACKEND,0,0,0,0,410,0,UP,1,1,0,,
keystone,c1,0,0,3,0,,0,DRAIN,1,1,0,,
keystone,c2,0,0,0,0,,0,UP 1/2,1,1,0,,
keystone,BACKEND,0,0,0,0,410,0,UP,1,1,0,,
memcached,c1,,,,0,,0,no check,1,1,0,,
memcached,c2,,,,0,,0,no check,1,1,0,,
"""
ROWS = haproxy_stats.parse(STAT)
#: The same: c1 of keystone was drained, and has gone down since in glance; c3 of glance is in maintenance.
STATES = """\
1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight
2 nova 1 c1 192.0.2.11 2 0 1
3 glance 1 c1 192.0.2.11 0 8 1
3 glance 3 c3 192.0.2.13 0 1 1
5 keystone 1 c1 192.0.2.11 2 8 1
5 keystone 2 c2 192.0.2.12 2 0 1
"""
ALL = ["nova", "glance", "dashboard", "keystone", "memcached"]


def test_a_table_is_read_by_its_heading() -> None:
    assert [row["svname"] for row in ROWS if row["pxname"] == "nova"] == ["FRONTEND", "c1", "c2", "c3", "BACKEND"]
    assert ROWS[2]["check_desc"] == "Layer7, check passed"


@pytest.mark.parametrize("text", ["", "\n", "Unknown command: 'show stats'", "nova,c1,0"])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="this is not a table of servers"):
        haproxy_stats.parse(text)


def test_every_drained_server_is_found_and_maintenance_is_not_a_drain() -> None:
    assert haproxy_stats.all_drained(STATES) == [("glance", "c1"), ("keystone", "c1")]


def test_a_server_is_drained_only_where_it_and_another_one_are_up() -> None:
    assert haproxy_stats.drainable(ROWS, ALL, "c1") == ["nova", "memcached"]
    # one on its way down is still served, one on its way up not yet
    assert haproxy_stats.drainable(ROWS, ALL, "c2") == ["nova", "memcached"]
    assert haproxy_stats.drainable(ROWS, ALL, "c3") == []


def test_another_server_that_is_on_its_way_down_still_counts() -> None:
    rows = haproxy_stats.parse(STAT.replace("DRAIN", "UP"))
    assert haproxy_stats.drainable(rows, ["keystone"], "c1") == ["keystone"]


def test_only_backends_that_are_asked_for_are_named() -> None:
    assert haproxy_stats.drainable(ROWS, ["glance", "memcached", "unknown"], "c1") == ["memcached"]
    assert haproxy_stats.drained(STATES, ["nova", "unknown"], "c1") == []


def test_a_server_that_was_taken_out_by_hand_is_known_though_it_is_down() -> None:
    assert haproxy_stats.drained(STATES, ALL, "c1") == ["glance", "keystone"]
    assert haproxy_stats.drained(STATES, ALL, "c3") == ["glance"]


def test_requests_are_those_that_run_and_those_that_wait() -> None:
    assert haproxy_stats.requests(ROWS, ["nova"], "c1") == 5
    assert haproxy_stats.requests(ROWS, ["nova", "glance"], "c1") == 7
    assert haproxy_stats.requests(ROWS, ["memcached", "unknown"], "c1") == 0


def test_a_server_is_down_where_it_is_not_up() -> None:
    assert haproxy_stats.down(ROWS, ALL, "c1") == 1
    assert haproxy_stats.down(ROWS, ["nova", "glance"], "c2") == 1
    assert haproxy_stats.down(ROWS, ["nova", "glance"], "c3") == 2
    assert haproxy_stats.down(ROWS, ["unknown"], "c1") == 1


@pytest.mark.parametrize("text", ["", "# workers\n57 worker 0 0d00h00m02s 3.0.11\n# programs\n\n", "Unknown command"])
def test_without_former_configurations_there_are_no_workers_of_theirs(text: str) -> None:
    assert haproxy_stats.former_workers(text) == []
