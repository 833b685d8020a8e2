# SPDX-License-Identifier: Apache-2.0
"""The prober against APIs that fail when they are told to, and against the loopback interface."""

from __future__ import annotations

import collections
import pathlib
import signal
import subprocess
import sys
import threading
import time
import types
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.scripts import program
from ansible_collections.caisson.openstack.plugins.module_utils.prober import availability
from tests.apis import probes
from tests.fake_cloud import REGION, FakeCloud
from tests.scripts import ROLES, load

PROBES = probes()
SCRIPT = ROLES / "prober" / "files" / "prober.py"


@pytest.fixture(scope="module")
def prober() -> types.ModuleType:
    return load("prober", "prober")


@pytest.fixture
def cloud() -> t.Iterator[FakeCloud]:
    with FakeCloud() as cloud:
        yield cloud


class Run:
    """One API of *cloud* is asked while this is entered; afterwards there are ``figures``, and the ``rows`` behind them."""

    def __init__(self, prober: types.ModuleType, cloud: FakeCloud, what: str) -> None:
        self._journal = prober.Journal()
        session = prober.ProberSession(cloud.auth, REGION, 2, self._journal)
        probe = prober.ApiProbe(what, PROBES[what], session, self._journal, 0.01)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=probe.run, args=[self._stop])

    def __enter__(self) -> t.Self:
        self._begin = time.time()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()
        self.rows = self._journal.take()
        self.figures = availability.figures(self.rows, self._begin, time.time() + 1)


def wait(condition: t.Callable[[], t.Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("what", PROBES)
def test_each_api_is_read_and_written_by_turns_and_nothing_is_left(prober: types.ModuleType, cloud: FakeCloud, what: str) -> None:
    with Run(prober, cloud, what) as run:
        wait(lambda: len(cloud.asked) > 20)
    figures = run.figures.apis[what]
    assert (figures.failed, figures.retried, figures.availability, figures.longest_gap) == (0, 0, 100.0, 0.0)
    assert cloud.objects == {}
    # a row is of one second
    kinds = {kind: sum(row["asked"] for row in run.rows if row["kind"] == kind) for kind in ("read", "write")}
    assert kinds["read"] - kinds["write"] in (0, 1)
    methods = {method for method, path in cloud.asked if path.startswith(f"/{what}/")}
    write = PROBES[what]["write"]
    assert methods == {"GET", *(["POST"] if PROBES[what]["issues_tokens"] else []), *([write["method"], "DELETE"] if write else [])}


@pytest.mark.parametrize(
    ("path", "shown", "expected"),
    [
        ("/things/{name}", "one", ("/things/one", "one")),
        ("/things/{id}", {"name": "one", "id": "1"}, ("/things/1", "one")),
        ("/things/{name}", {"thing": {"name": "one"}}, ("/things/one", "one")),
        ("/things/{id}", {"thing": {"name": "one", "id": "1"}}, ("/things/1", "one")),
        ("/things/{id}", {"name": None, "id": "1"}, ("/things/1", "")),
    ],
)
def test_an_object_is_shown_as_a_name_or_a_mapping(prober: types.ModuleType, path: str, shown: t.Any, expected: tuple[str, str]) -> None:
    assert prober.named(path, shown) == expected


def test_an_id_may_be_the_end_of_a_url(prober: types.ModuleType) -> None:
    shown = {"secret_ref": "https://cloud.example.org:9311/v1/secrets/1"}
    assert prober.named("/v1/secrets/{id}", shown, "secret_ref") == ("/v1/secrets/1", "")
    assert prober.named("/v1/secrets/{id}", {**shown, "name": "one"}, "secret_ref") == ("/v1/secrets/1", "one")


def test_a_failure_that_a_second_try_heals_is_none(prober: types.ModuleType, cloud: FakeCloud) -> None:
    failures = iter([503])
    with Run(prober, cloud, "compute") as run:
        wait(lambda: len(cloud.asked) > 10)
        cloud.rule = lambda method, _path: next(failures, None) if method == "GET" else None
        wait(lambda: len(cloud.asked) > 30)
    figures = run.figures.apis["compute"]
    assert (figures.failed, figures.retried, figures.gaps, figures.error) == (0, 1, [], "")


def test_a_gap_goes_from_the_first_failure_to_the_next_good_answer(prober: types.ModuleType, cloud: FakeCloud) -> None:
    with Run(prober, cloud, "compute") as run:
        wait(lambda: len(cloud.asked) > 10)
        cloud.rule = lambda method, path: 503 if path.startswith("/compute/servers") else None
        time.sleep(0.5)
        cloud.rule = lambda method, path: None
        healed, asked = time.time(), len(cloud.asked)
        wait(lambda: len(cloud.asked) > asked + 10)
    figures = run.figures.apis["compute"]
    (gap,) = figures.gaps
    assert gap.kind == "read"
    assert gap.lost == figures.failed > 1
    # the second try of the last may have been good
    assert figures.retried - figures.failed in (0, 1)
    assert gap.seconds > 0.4
    assert healed - 0.01 <= gap.end < healed + 1
    assert (figures.error, figures.longest_gap) == ("HTTP 503", round(gap.seconds, 3))
    assert figures.availability < 100


def test_an_api_that_is_not_there_fails(prober: types.ModuleType, cloud: FakeCloud) -> None:
    with Run(prober, cloud, "compute") as run:
        wait(lambda: len(cloud.asked) > 10)
        cloud.__exit__(None, None, None)
        time.sleep(0.3)
    assert run.figures.apis["compute"].error == "ConnectionRefusedError"


def test_a_token_that_is_refused_is_replaced_and_the_login_counts_for_identity(prober: types.ModuleType, cloud: FakeCloud) -> None:
    with Run(prober, cloud, "compute") as run:
        wait(lambda: len(cloud.asked) > 10)
        cloud.tokens.clear()
        wait(lambda: len(cloud.asked) > 30)
    assert (run.figures.apis["compute"].failed, run.figures.apis["compute"].retried) == (0, 1)
    assert (run.figures.apis["identity"].asked, cloud.logins) == (2, 2)


def test_a_token_is_replaced_a_minute_before_its_end(prober: types.ModuleType) -> None:
    with FakeCloud(lifetime=60.5) as cloud, Run(prober, cloud, "compute") as run:
        wait(lambda: cloud.logins > 1)
    assert run.figures.apis["compute"].retried == 0
    assert run.figures.apis["identity"].failed == 0


def test_a_login_that_fails_counts_for_identity_alone(prober: types.ModuleType, cloud: FakeCloud) -> None:
    cloud.rule = lambda _method, path: 500 if path.endswith("/auth/tokens") else None
    with Run(prober, cloud, "compute") as run:
        wait(lambda: len(cloud.asked) > 6)
    assert set(run.figures.apis) == {"identity"}
    assert run.figures.apis["identity"].availability == 0.0


LEFT = {
    "/compute/os-keypairs/caisson-prober-1": "caisson-prober-1",
    "/image/v2/images/i1": "caisson-prober-1",
    "/network/v2.0/address-scopes/s1": "caisson-prober-1",
    "/placement/traits/CUSTOM_CAISSON_PROBER_1": "CUSTOM_CAISSON_PROBER_1",
}


@pytest.mark.parametrize("path", LEFT)
def test_what_an_earlier_prober_left_is_deleted_and_nothing_of_others(prober: types.ModuleType, cloud: FakeCloud, path: str) -> None:
    others = f"{path.rpartition('/')[0]}/of-others"
    cloud.objects = {path: LEFT[path], others: "of-others"}
    with Run(prober, cloud, path.split("/")[1]):
        # an interval later it deletes what it makes itself too
        wait(lambda: ("DELETE", path) in cloud.asked)
    assert cloud.objects == {others: "of-others"}


def test_what_was_made_although_its_answer_was_lost_is_deleted(prober: types.ModuleType, cloud: FakeCloud) -> None:
    lost: list[str] = []

    def rule(method: str, path: str) -> int | None:
        if method != "POST" or path != "/compute/os-keypairs" or lost:
            return None
        lost.append("/compute/os-keypairs/caisson-prober-lost")
        cloud.objects[lost[0]] = "caisson-prober-lost"
        return 504

    with Run(prober, cloud, "compute"):
        wait(lambda: len(cloud.asked) > 10)
        cloud.rule = rule
        wait(lambda: lost and lost[0] not in cloud.objects)


# -- pings ------------------------------------------------------------------------------------------------------


def ping(prober: types.ModuleType, addresses: list[str], seconds: float) -> availability.Figures:
    journal, stop, begin = prober.Journal(), threading.Event(), time.time()
    pinger = prober.Pinger(addresses, 0.02, journal)
    threads = [threading.Thread(target=pinger.send, args=[stop]), threading.Thread(target=pinger.receive)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return availability.figures(journal.take(), begin, time.time() + 1)


def test_pings_are_answered_or_lost_each_address_for_itself(prober: types.ModuleType) -> None:
    # the kernel sends nothing to the second unless a socket asks for broadcasts
    found = ping(prober, ["127.0.0.1", "255.255.255.255"], 1.0).pings
    assert 10 < found["127.0.0.1"].sent <= 52
    assert (found["127.0.0.1"].lost, found["127.0.0.1"].gaps) == (0, [])
    assert found["255.255.255.255"].lost == found["255.255.255.255"].sent == found["127.0.0.1"].sent


def test_a_gap_of_pings_goes_from_the_first_that_is_lost_to_the_next_that_is_answered(prober: types.ModuleType) -> None:
    journal = prober.Journal()
    pinger = prober.Pinger(["127.0.0.1"], 0.02, journal)
    with pinger._socket:
        # sent ten seconds ago, a second apart; the third and fourth were answered out of turn
        for number, seconds in enumerate([0.1, None, 0.3, 0.2]):
            packet = prober._Packet(number, 1000.0 + number, time.monotonic() - 9 + number, seconds)
            pinger._packets["127.0.0.1"].append(packet)
        pinger._settle("127.0.0.1", time.monotonic())
    found = availability.figures(journal.take(), 1000, 1010).pings["127.0.0.1"]
    assert (found.sent, found.lost, found.slowest) == (4, 1, 0.3)
    assert found.gaps == [availability.Gap(begin=1001.0, end=1002.0, lost=1, kind="ping")]


# -- the whole --------------------------------------------------------------------------------------------------


def start(cloud: FakeCloud, file: pathlib.Path, addresses: list[str], fault: str = "") -> subprocess.Popen[bytes]:
    parameters = {
        "auth": cloud.auth,
        "region": REGION,
        "probes": PROBES,
        "addresses": addresses,
        "interval": 0.05,
        "ping_interval": 0.02,
        "limit": 10,
        "file": str(file),
    }
    source = program(f"{SCRIPT.read_text()}\n{fault}\n", parameters)
    process = subprocess.Popen([sys.executable, "-IS", "-"], stdin=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(source.encode())
    process.stdin.close()
    return process


def read(file: pathlib.Path) -> list[availability.Row]:
    return list(availability.parse(file.read_text().splitlines())) if file.exists() else []


def test_after_sigterm_all_is_written_and_nothing_is_left(cloud: FakeCloud, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "answers.jsonl"
    process = start(cloud, file, ["127.0.0.1"])
    wait(lambda: {row.get("what") for row in read(file)} >= {*PROBES, "127.0.0.1"})
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert cloud.objects == {}
    rows = read(file)
    figures = availability.figures(rows, rows[0]["begin"], rows[-1]["end"])
    assert {what: api.failed for what, api in figures.apis.items()} == dict.fromkeys(PROBES, 0)
    assert figures.pings["127.0.0.1"].lost == 0
    assert figures.unwatched == 0
    # each question is one request; what remains are those that clean up
    asked = collections.Counter(path.split("?")[0].split("/")[1] for _method, path in cloud.asked)
    assert asked["identity"] == figures.apis["identity"].asked
    assert all(0 < asked[what] - figures.apis[what].asked < 8 for what in asked.keys() - {"identity"})


def test_one_that_was_killed_loses_the_last_second_and_its_successor_cleans_up(cloud: FakeCloud, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "answers.jsonl"
    process = start(cloud, file, [])
    wait(lambda: len(read(file)) > 12 and cloud.objects)
    process.kill()
    process.wait()
    killed = time.time()
    with file.open("a") as stream:
        stream.write('{"kind": "rea')
    left = dict(cloud.objects)
    assert max(row["end"] for row in read(file) if row["kind"] == "tick") > killed - 2.5
    process = start(cloud, file, [])
    # what the first one left may have been deleted just before it was killed, so that alone does not show that the second one runs
    wait(lambda: [row["kind"] for row in read(file)].count("start") == 2 and not left.keys() & cloud.objects.keys())
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert cloud.objects == {}


def test_a_thread_that_dies_ends_the_whole(cloud: FakeCloud, tmp_path: pathlib.Path) -> None:
    process = start(cloud, tmp_path / "answers.jsonl", ["127.0.0.1"], "Pinger._settle = None")
    assert process.wait(20) == 1
    assert cloud.objects == {}


def test_a_file_that_has_become_long_is_put_aside(
    prober: types.ModuleType, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prober, "SIZE", 10)
    file = tmp_path / "answers.jsonl"
    prober.Writer(file, prober.Journal()).write()
    assert [row["kind"] for row in read(file.with_name("answers.jsonl.1"))] == ["start"]
    assert [row["kind"] for row in read(file)] == ["tick"]
