# SPDX-License-Identifier: Apache-2.0
"""Names of options against what a release declares."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import oslo_options
from tests.definitions import definitions

ROOT = pathlib.Path(__file__).parents[5]
_LIST = """\
# made by a test

[* DEFAULT]
debug
log-dir
log_dir
verbose = log/verbose

[* keystone_authtoken]
auth_type
service_type

[* with auth_type]
username

[alpha DEFAULT]
enabled_backends
limit

[alpha api]
limit
max_limit
old_max = api/max_limit

[alpha of enabled_backends]
store_dir

[alpha vgpu_*]
device_addresses

[beta beta]
threads
"""


@pytest.fixture
def options(tmp_path: pathlib.Path) -> oslo_options.Options:
    (tmp_path / "list.txt").write_text(_LIST)
    found = oslo_options.read(tmp_path / "list.txt")
    assert found
    return found


def _check(
    options: oslo_options.Options, override: t.Any, content: t.Any = None, extra: t.Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    return oslo_options.check(options, "alpha", override, content or {}, extra)


def test_a_release_without_a_list_is_not_checked(tmp_path: pathlib.Path) -> None:
    assert oslo_options.read(tmp_path / "none.txt") is None


@pytest.mark.parametrize(
    "override",
    [
        {"DEFAULT": {"debug": True, "limit": None, "log-dir": "/x"}, "api": {"max_limit": 1}},
        # oslo.config does not mind the case of a section
        {"API": {"limit": 1}},
        {"api": {"state": "absent"}},
        {"keystone_authtoken": {"username": "x", "service_type": "y"}},
        {"DEFAULT": {"enabled_backends": "fast:file, slow:file"}, "slow": {"store_dir": "/x"}},
        {"vgpu_nvidia-35": {"device_addresses": "x"}},
        {"ours": {"x": 1}, "api": {"our_limit": 2}},
        # merging refuses it
        {"api": "x"},
    ],
)
def test_what_the_service_declares_is_known(options: oslo_options.Options, override: t.Any) -> None:
    assert _check(options, override, extra=["ours/*", "api/our_*"]) == ([], [])


def test_backends_may_be_named_in_what_is_overridden(options: oslo_options.Options) -> None:
    override = {"DEFAULT": {"debug": True}, "fast": {"store_dir": "/x"}}
    assert _check(options, override, {"DEFAULT": {"enabled_backends": "fast:file"}}) == ([], [])
    assert _check(options, override)[0] == [f"[fast]: there is no such section in alpha; {oslo_options._REMEDY}"]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ({"DEFAULT": {"debgu": True}}, "[DEFAULT] debgu: alpha has no such option; did you mean 'debug'? Otherwise, if a plugin reads it"),
        ({"apii": {"limit": 1}}, "[apii]: there is no such section in alpha; did you mean [api]? Otherwise, "),
        ({"default": {"debug": True}}, "[default]: there is no such section in alpha; did you mean [DEFAULT]?"),
        ({"keystone_authtoken": {"max_limit": 1}}, "[keystone_authtoken] max_limit: alpha has no such option; it belongs to [api]."),
        ({"beta": {"threads": 1}}, "[beta]: there is no such section in alpha; if a plugin reads it, add it to cloud_extra_oslo_options"),
        ({"api": {"username": "x"}}, "[api] username: alpha has no such option; if a plugin reads it"),
    ],
)
def test_a_slip_is_named_with_the_nearest_right_name(options: oslo_options.Options, override: t.Any, words: str) -> None:
    (error,), former = _check(options, override)
    assert error.startswith(words)
    assert former == []


def test_a_former_name_is_accepted_unless_the_present_one_wins(options: oslo_options.Options) -> None:
    assert _check(options, {"api": {"old_max": 1}}) == ([], ["[api] old_max: is a former name of [api] max_limit; use that"])
    said = "[api] old_max: is a former name of [api] max_limit, which is set and wins; set that instead"
    assert _check(options, {"api": {"old_max": 1}}, {"api": {"max_limit": 2}}) == ([said], [])
    assert _check(options, {"api": {"old_max": 1, "max_limit": None}}, {"api": {"max_limit": 2}})[0] == []


def test_what_is_for_all_services_is_known_to_one_of_them(options: oslo_options.Options) -> None:
    assert oslo_options.check_shared(options, {"beta": {"threads": 1}, "api": {"limit": 1}, "ours": {"x": 1}}, ["ours/x"]) == []
    assert [
        error.split("; ")[0] for error in oslo_options.check_shared(options, {"beta": {"thread": 1}, "gamma": {"x": 1, "y": 2}}, [])
    ] == [
        "[beta] thread: beta has no such option",
        "[gamma]: there is no such section in alpha, beta",
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "roles/images/files/options").glob("*.txt")), ids=lambda path: str(path.stem))
def test_the_list_of_each_release_has_all_services(path: pathlib.Path) -> None:
    known = oslo_options.read(path)
    files = [(name, file) for name, item in definitions().items() for file in item.get("files") or [] if isinstance(file, dict)]
    # the files of some are lists of their own
    assert known and known.services == sorted({name for name, file in files if file.get("oslo")} | {"keystone", "neutron", "nova"})
    assert path.stat().st_size < 150_000
    for section in ("keystone_authtoken", "placement", "service_user"):
        assert {"username", "password", "auth_url", "application_credential_id", "cafile"} <= known.names("nova", section, {}).keys()
    assert known.names("nova", "libvirt", {})["cpu_mode"] == ""
    assert "filesystem_store_datadir" in known.names("glance", "os_glance_staging_store", {})


def test_each_release_that_can_be_locked_has_a_list() -> None:
    assert {path.stem for path in (ROOT / "roles/images/files/options").glob("*.txt")} == {
        path.stem for path in (ROOT / "roles/images/files/locks").glob("20*.in")
    }
