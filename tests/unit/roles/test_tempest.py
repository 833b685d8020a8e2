# SPDX-License-Identifier: Apache-2.0
"""The lists and the configuration of the public test suite, and how its stream becomes results."""

from __future__ import annotations

import configparser
import datetime
import os
import pathlib
import re
import types
import typing as t

import pytest
import yaml

from tests.scripts import ROLES, load
from tests.unit.roles.test_image_definitions import template, trusted

ROLE = ROLES / "tempest"
CLASS = "tempest.api.compute.Servers"
BOOT, LIST, STOP = f"{CLASS}.test_boot[id-1,smoke]", f"{CLASS}.test_list[id-2]", f"{CLASS}.test_stop[id-3,slow]"


@pytest.fixture(scope="module")
def suite() -> types.ModuleType:
    return load("tempest", "suite")


def variables() -> dict[str, t.Any]:
    """Return what the role has, and what the service roles say for it, as it is written."""
    services = sorted(ROLES.glob("*/vars/main/tempest.yml"))
    paths = [ROLE / "defaults" / "main.yml", *(ROLE / "vars" / "main").glob("[ot]*.yml"), *services]
    # what is off by default says so in the role's defaults
    paths += [path.parents[2] / "defaults/main.yml" for path in services]
    return {name: value for path in paths for name, value in yaml.safe_load(path.read_text("utf-8")).items()}


def lists() -> dict[str, t.Any]:
    values = trusted(variables())
    return {name: template(values[name], **values) for name in ("tempest_include", "tempest_exclude")}


# -- lists ------------------------------------------------------------------------------------------------------


def test_each_exclusion_has_a_reason_of_its_own() -> None:
    assert lists()["tempest_exclude"]
    for item in lists()["tempest_exclude"]:
        assert set(item) == {"regex", "reason"}, item
        assert len(item["reason"].split()) >= 5, f"say why {item['regex']} does not apply"
    expressions = [item["regex"] for item in lists()["tempest_exclude"]]
    assert len(expressions) == len(set(expressions))


def test_lists_are_regular_expressions_that_do_not_take_all() -> None:
    for pattern in [*lists()["tempest_include"], *(item["regex"] for item in lists()["tempest_exclude"])]:
        assert not re.search(pattern, "tempest.api.volume.Volumes.test_create[id-9,smoke]"), pattern


def test_selection(suite: types.ModuleType) -> None:
    other = "tempest.api.volume.Volumes.test_create[id-9,smoke]"
    exclude = [
        {"regex": r"\.test_stop\[", "reason": "no"},
        {"regex": "id-3", "reason": "the first reason counts"},
        {"regex": "gone", "reason": "?"},
    ]
    found = suite.select([BOOT, LIST, STOP, other], [r"^tempest\.api\.compute\."], exclude, "")
    assert found == ([BOOT, LIST], {STOP: "no"}, ["gone"])
    # what is asked for narrows the list, and does not make an exclusion look stale
    assert suite.select([BOOT, LIST, STOP, other], [r"^tempest\.api\.compute\."], exclude, "smoke") == ([BOOT], {}, ["gone"])


# -- configuration ----------------------------------------------------------------------------------------------


def configured(suite: types.ModuleType, directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch, ca: str) -> configparser.RawConfigParser:
    monkeypatch.setattr(suite, "WORK", directory / "work")
    for name in ("TEMPEST_CONFIG", "HOME", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "")
    mask = os.umask(0o022)
    try:
        options = {"auth": {"admin_username": "admin"}, "identity": {"uri_v3": "https://cloud:5000/v3"}}
        suite.configure({"options": options, "admin_password": "a$b", "ca": ca})
    finally:
        os.umask(mask)
    path = pathlib.Path(os.environ["TEMPEST_CONFIG"])
    assert path.stat().st_mode & 0o777 == 0o600
    parser = configparser.RawConfigParser()
    parser.read(path)
    return parser


def test_tests_of_plugins_are_listed(suite: types.ModuleType) -> None:
    found = [
        "barbican_tempest_plugin.tests.api.test_quotas.QuotasTest.test_quotas[id-4ac0,smoke]",
        "tempest.api.image.test.T.test(x)[id-1]",
    ]
    assert suite.names("\n".join(["", "WARNING: x.y.z is old", "2026-11-28 01:02:03.004 1 tempest", *found, ""])) == found


def test_the_password_is_added_and_its_dollar_names_no_option(
    suite: types.ModuleType, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parser = configured(suite, tmp_path, monkeypatch, "")
    assert dict(parser["auth"]) == {"admin_username": "admin", "admin_password": "a\\$b"}
    assert dict(parser["identity"]) == {"uri_v3": "https://cloud:5000/v3"}


def test_an_authority_of_the_operator_is_trusted(suite: types.ModuleType, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pathlib.Path(configured(suite, tmp_path, monkeypatch, "CERTIFICATE")["identity"]["ca_certificates_file"])
    assert path.read_text("utf-8") == "CERTIFICATE\n"
    assert os.environ["SSL_CERT_FILE"] == str(path)


def options(name: str, **changes: t.Any) -> dict[str, t.Any]:
    """Return options of the role as they are handed to the suite."""
    offer = {"images": ["i1", "i2"], "flavors": ["f1", "f2"], "external_network": "n1"}
    offer |= {"network_extensions": ["router", "dns"], "compute_microversion": "2.100"}
    values = {
        **trusted(variables()),
        "cloud_admin_auth": {"username": "admin", "project_name": "admin", "password": "pw"},
        "cloud_keystone_url": "https://cloud:5000",
        "cloud_tls": True,
        "cloud_ca": "the certificates",
        "cloud_region": "here",
        "cloud_image_prefix": "caisson/",
        "cloud_image_tag": "1",
        "groups": {"compute": ["a", "b"], "network": ["a"]},
        "hostvars": {"a": {"verify_offer": {"result": offer}}},
        "inventory_dir": "/inventory",
        "nova_compute_group": "compute",
        "verify_host": "a",
        "verify_external_network": "public",
        **changes,
    }
    return template(values[name], **values)


def test_the_configuration_is_that_of_the_cloud() -> None:
    found = options("__tempest_selection")["options"]
    # not the number 2.1
    assert found["compute"]["max_microversion"] == "2.100"
    assert found["identity"] | found["auth"] == {
        "uri_v3": "https://cloud:5000/v3",
        "region": "here",
        "v3_endpoint_type": "public",
        "use_dynamic_credentials": True,
        "admin_username": "admin",
        "admin_project_name": "admin",
        "admin_domain_name": "Default",
    }
    compute = found["compute"]
    assert [compute[name] for name in ("image_ref", "image_ref_alt", "flavor_ref", "flavor_ref_alt")] == ["i1", "i2", "f1", "f2"]
    assert (compute["min_compute_nodes"], found["network"]["public_network_id"]) == (2, "n1")
    # extensions that the cloud does not have are not tested
    assert found["network-feature-enabled"]["api_extensions"] == "router,dns"


def test_services_say_what_is_there_and_how_it_is_tested() -> None:
    found = options("__tempest_selection")
    there = {"glance": True, "neutron": True, "nova": True}
    assert found["options"]["service_available"] == {"cinder": False, "horizon": False, "swift": False, **there}
    assert options("__tempest_parameters")["options"]["service_available"] == found["options"]["service_available"]
    assert found["options"]["enforce_scope"] == there
    assert {rf"^tempest\.api\.{name}\." for name in ("compute", "identity", "image", "network")} < set(found["include"])
    made_up = {"x_tempest_services": ["hello"], "x_tempest_options": {"hello": {"loud": True}}, "x_tempest_include": [r"^hello\."]}
    found = options("__tempest_selection", **made_up)
    assert (found["options"]["service_available"]["hello"], found["options"]["hello"], found["include"][-1]) == (
        True,
        {"loud": True},
        r"^hello\.",
    )


def test_a_service_that_is_off_is_not_tested() -> None:
    found = {on: options("__tempest_selection", barbican_enabled=on) for on in (False, True)}
    assert [found[on]["options"]["service_available"].get("barbican", False) for on in found] == [False, True]
    assert [[text for text in found[on]["include"] if "barbican" in text] != [] for on in found] == [False, True]


def test_live_migration_is_tested_where_there_is_another_hypervisor() -> None:
    for hosts, several in ((["a"], False), (["a", "b"], True)):
        features = options("__tempest_selection", groups={"compute": hosts, "network": ["a"]})["options"]["compute-feature-enabled"]
        assert (features["live_migration"], features["resize"], features["block_migration_for_live_migration"]) == (
            several,
            not several,
            True,
        )


def test_the_operator_has_the_last_word() -> None:
    found = options("__tempest_selection", tempest_options={"compute-feature-enabled": {"resize": True}})["options"][
        "compute-feature-enabled"
    ]
    assert (found["resize"], found["cold_migration"]) == (True, False)


@pytest.mark.parametrize("name", ["__tempest_selection", "__tempest_parameters"])
def test_the_password_is_not_among_what_may_be_seen(name: str) -> None:
    assert "pw" not in str(options(name))
    assert options("__tempest_secrets") == {"admin_password": "pw"}


# -- results ----------------------------------------------------------------------------------------------------


def at(second: int) -> datetime.datetime:
    return datetime.datetime(2026, 1, 1, 0, 0, second, tzinfo=datetime.UTC)


def send(watch: t.Any, test: str, status: str, begin: int, end: int, **texts: str) -> None:
    watch.status(test_id=test, test_status="inprogress", timestamp=at(begin))
    for name, text in texts.items():
        for part in (text[:5], text[5:]):
            watch.status(test_id=test, test_status=None, file_name=name, file_bytes=memoryview(part.encode()), timestamp=at(end))
    watch.status(test_id=test, test_status=status, timestamp=at(end))


def test_results_have_time_reason_and_traceback(suite: types.ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    watch = suite.Watch([BOOT, LIST, STOP])
    trace = 'Traceback (most recent call last):\n  File "x.py", line 1, in y\n    boot()\n    ^^^^^^\nsuite.Timeout: too\n  late\n'
    send(watch, BOOT, "success", 0, 4, pythonlogging="not kept")
    send(watch, LIST, "skip", 4, 4, reason="no list")
    watch.status(test_id=STOP, test_status="inprogress", timestamp=at(5))
    assert watch.progress() == "2 of 3 tests (1 passed, 1 skipped); now api.compute.Servers.test_stop"
    send(watch, STOP, "fail", 5, 7, traceback=trace, pythonlogging="GET /servers req-1")
    assert capsys.readouterr().err == f"FAILED {CLASS}.test_stop: suite.Timeout: too late\n"
    assert watch.results() == [
        {"name": f"{CLASS}.test_boot", "status": "passed", "seconds": 4.0, "reason": "", "details": ""},
        {"name": f"{CLASS}.test_list", "status": "skipped", "seconds": 0.0, "reason": "no list", "details": ""},
        {
            "name": f"{CLASS}.test_stop",
            "status": "failed",
            "seconds": 2.0,
            "reason": "suite.Timeout: too late",
            "details": f"{trace}\nGET /servers req-1",
        },
    ]


def test_a_class_that_cannot_begin_speaks_for_its_tests(suite: types.ModuleType) -> None:
    watch = suite.Watch([BOOT, LIST])
    send(watch, f"setUpClass ({CLASS})", "skip", 0, 1, reason="no second host")
    assert [(item["name"], item["status"], item["reason"]) for item in watch.results()] == [
        (f"{CLASS}.test_boot", "skipped", "no second host"),
        (f"{CLASS}.test_list", "skipped", "no second host"),
    ]


def test_what_was_never_heard_of_has_failed_and_so_has_a_class_that_cannot_end(suite: types.ModuleType) -> None:
    watch = suite.Watch([BOOT, LIST])
    send(watch, BOOT, "success", 0, 1)
    send(watch, f"tearDownClass ({CLASS})", "fail", 1, 2, traceback="suite.Conflict: in use")
    assert [(item["name"], item["status"], item["reason"][:14]) for item in watch.results()] == [
        (f"{CLASS}.test_boot", "passed", ""),
        (f"{CLASS}.test_list", "failed", "it had no time"),
        (f"tearDownClass ({CLASS})", "failed", "suite.Conflict"),
    ]
