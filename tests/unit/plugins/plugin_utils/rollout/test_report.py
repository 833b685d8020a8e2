# SPDX-License-Identifier: Apache-2.0
"""The report of a rollout says what an operator asks, and nothing in it is taken for something else."""

from __future__ import annotations

import html.parser
import itertools
import re
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import TIERS
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Event, Holder, Package, PlannedUpdate, Rollout
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout import report as reports
from tests.unit.rollouts import BEGIN, a_rollout, event, figures

_VOID = {"meta", "link", "br"}


class Page(html.parser.HTMLParser):
    """A page that was read: its tags, its text, and that each tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open += [] if tag in _VOID else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def with_phase(phase: t.Any) -> Rollout:
    made = a_rollout()
    made.phase = phase
    return made


def test_the_summary_says_what_an_operator_asks() -> None:
    lines = "\n".join(reports.summary(a_rollout(), figures()))
    for words in (
        "2025.2 -> 2026.1, verified, open",
        "Duration: 43 min 53 s (2026-11-21 14:02 to 14:45 UTC)",
        "backed up 2 min 31 s",
        "switch 30 s",
        "compute-2 4 min 27 s",
        "Failed: compute on compute-2, failed, restored: container nova_compute is not healthy",
        "API compute: 99.59 %, 8 of 1974 failed, 2 asked again",
        "Ping 203.0.113.17: 85 of 140750 lost, longest gap 1.3 s",
        "Next: finalize makes it final",
    ):
        assert words in lines


def test_the_summary_of_a_large_rollout_fits_a_screen() -> None:
    made, seen = a_rollout(), figures()
    made.events += [event(3000 + number, "rolled", "failed", f"host-{number}", "api", "because " * 99) for number in range(200)]
    seen["apis"], seen["pings"] = seen["apis"] * 9, seen["pings"] * 9
    lines = reports.summary(made, seen)
    assert len(lines) <= reports.HEIGHT
    assert max(map(len, lines)) <= 120
    assert {"Failed: and 198 more", "API: and 39 more", "Ping: and 15 more"} <= set(lines)


def test_what_a_service_said_commands_no_terminal() -> None:
    made = a_rollout()
    made.events = [event(0, "rolled", "failed", "h", "api", "\x1b[2Jgone\x9b1m\nmore")]
    assert "Failed: api on h, failed: [2Jgone 1m more" in reports.summary(made, {})


def test_a_rollout_that_has_not_begun_has_a_report() -> None:
    made = Rollout(cloud="c", id="1", release_from="a", release_to="b")
    assert reports.summary(made, {})[0] == "Rollout 1 of c: a -> b, planned, open"
    assert "Nothing has happened yet." in Page(reports.page(made, {})).text


@pytest.mark.parametrize(
    ("phase", "following"),
    [
        ("planned", "upgrade resumes it; rollback reverts it"),
        ("verified", "finalize makes it final and ends the way to roll back; rollback reverts it"),
        ("finalizing", "finalize resumes it; it cannot be rolled back"),
        ("rolling_back", "rollback resumes it"),
        ("rolled_back", "nothing, it is over"),
    ],
)
def test_what_can_be_done_next_follows_from_the_phase(phase: str, following: str) -> None:
    assert reports.summary(with_phase(phase), {})[-1] == f"Next: {following}"
    assert following in Page(reports.page(with_phase(phase), {})).text


def test_a_failure_after_which_nothing_begins_has_stopped_the_rollout() -> None:
    made = with_phase("expanded")
    made.events = [
        event(0, "rolled", "begun", "a", "api"),
        event(1, "rolled", "begun", "b", "api"),
        event(2, "rolled", "failed", "a", "api"),
    ]
    made.events.append(event(3, "rolled", "done", "b", "api"))
    assert "expanded, stopped after a failure" in reports.summary(made, {})[0]
    made.events.append(event(4, "rolled", "begun", "a", "api"))
    assert "expanded, open" in reports.summary(made, {})[0]


def test_both_say_that_the_prober_did_not_run() -> None:
    assert any("the prober did not run" in line for line in reports.summary(a_rollout(), {}))
    assert "The prober did not run" in Page(reports.page(a_rollout(), {})).text


def test_what_a_service_said_is_text() -> None:
    page = Page(reports.page(a_rollout(), figures()))
    assert '<script>alert("no")</script>' in page.text
    assert "script" not in {tag for tag, _attributes in page.tags}


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(lambda text: f'"><b id=x>{text}</b>'))
def test_no_text_becomes_a_tag(text: str) -> None:
    made = Rollout(cloud=text, id=text, release_from=text, release_to=text)
    made.events = [Event(at=BEGIN, phase=text, state="failed", host=text, tier=text, detail=text)]
    made.updates = [PlannedUpdate(host=text, tier=text, container=text, service=text, image_from=text, reasons=[text], impact=text)]
    made.packages = [Package(image=text, name=text, version_from=text)]
    made.holder = Holder(run=text, who=text, where=text, pid=1, seen=0)
    seen = figures()
    seen["apis"][0]["name"] = seen["pings"][0]["address"] = text
    page = Page(reports.page(made, seen))
    assert not {"b"} & {tag for tag, _attributes in page.tags}
    assert not any("id=x" in (value or "") for _tag, attributes in page.tags for value in attributes.values())


def test_the_page_loads_nothing() -> None:
    page = Page(reports.page(a_rollout(), figures()))
    links = {value for _tag, attributes in page.tags for name, value in attributes.items() if name in ("href", "src", "srcset")}
    assert links == {"data:,"}
    assert "url(http" not in reports.page(a_rollout(), figures())


def test_each_head_of_a_table_says_of_what() -> None:
    heads = [attributes for tag, attributes in Page(reports.page(a_rollout(), figures())).tags if tag == "th"]
    assert heads
    assert {head.get("scope") for head in heads} == {"row", "col"}


def test_failures_come_first() -> None:
    text = Page(reports.page(a_rollout(), figures())).text
    assert text.index("ServiceTooOld") < text.index("What went well") < text.index("9 databases, 41 MiB")


def test_equal_moves_of_several_hosts_are_one_row() -> None:
    found = {update.container: hosts for update, hosts in reports.updates(a_rollout().updates)}
    assert found["libvirt"] == ["compute-1", "compute-2"]
    assert len(found) == len(reports.updates(a_rollout().updates)) == 13


@pytest.mark.parametrize(
    ("image", "text"),
    [
        ("sha256:" + "ab" * 32, "abababababab"),
        ("r.example:5000/caisson/nova@sha256:" + "cd" * 32, "cdcdcdcdcdcd"),
        ("r.example:5000/caisson/nova:2026.1-1", "nova:2026.1-1"),
        ("", ""),
    ],
)
def test_images_are_told_apart_by_few_letters(image: str, text: str) -> None:
    assert reports.short(image) == text


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_can_be_told_from_what_is_behind_it(scheme: int) -> None:
    block = re.findall(r":root \{(.*?)\}", reports.page(a_rollout(), {}), re.DOTALL)[scheme]
    colours = {name: value if len(value) == 7 else "#" + "".join(letter * 2 for letter in value[1:]) for name, value in _colours(block)}
    pairs = [("bar", f"t{number}") for number in range(len(TIERS) + 1)]
    pairs += [(text, back) for text in ("text", "soft", "bad", "good", "fair") for back in ("page", "card", "stripe")]
    pairs += [(text, f"{text}-back") for text in ("bad", "good", "fair")]
    for pair in pairs:
        dark, light = sorted(luminance(colours[name]) for name in pair)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, pair


def _colours(block: str) -> t.Iterator[tuple[str, str]]:
    return ((name, value) for name, value in re.findall(r"--([\w-]+): (#\w+)", block))


def test_each_tier_has_a_colour_of_its_own() -> None:
    block = re.findall(r":root \{(.*?)\}", reports.page(a_rollout(), {}), re.DOTALL)[0]
    colours = dict(_colours(block))
    assert all(colours[f"t{one}"] != colours[f"t{other}"] for one, other in itertools.combinations(range(len(TIERS) + 1), 2))
