# SPDX-License-Identifier: Apache-2.0
"""The report of a rollout in a real browser."""

from __future__ import annotations

import base64
import pathlib
import typing as t

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout import report, timeline
from tests.browser import chromium
from tests.cloud.conftest import ARTIFACTS
from tests.unit.rollouts import a_rollout, figures


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[webdriver.Chrome]:
    """A browser that shows the report."""
    path = tmp_path_factory.mktemp("report") / "rollout.html"
    path.write_text(report.page(a_rollout(), figures()), encoding="utf-8")
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        driver.get(path.as_uri())
        yield driver


def look(browser: webdriver.Chrome, width: int, scheme: str, picture: pathlib.Path | None = None) -> None:
    """Show the page as wide as a screen, in its light or dark form; keep a picture of all of it."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    if picture:
        picture.parent.mkdir(exist_ok=True)
        taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        picture.write_bytes(base64.b64decode(taken["data"]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_its_screen(browser: webdriver.Chrome, width: int, scheme: str) -> None:
    look(browser, width, scheme, ARTIFACTS / "rollout.png" if (width, scheme) == (1280, "light") else None)
    assert browser.execute_script("return window.innerWidth") == width
    root = browser.find_element(By.TAG_NAME, "html")
    assert root.get_property("scrollWidth") == root.get_property("clientWidth")


def test_the_dark_form_is_dark(browser: webdriver.Chrome) -> None:
    backs = []
    for scheme in ("light", "dark"):
        look(browser, 1280, scheme)
        backs.append(browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color"))
    assert backs == ["rgba(244, 245, 247, 1)", "rgba(14, 19, 26, 1)"]


def test_each_step_has_a_bar_in_sight(browser: webdriver.Chrome) -> None:
    look(browser, 1280, "light")
    bars = browser.find_elements(By.CSS_SELECTOR, "rect.bar")
    assert len(bars) == len(timeline.steps(a_rollout().events))
    assert all(bar.size["width"] >= 1 and bar.size["height"] >= 10 for bar in bars)
    assert "compute failed, restored" in [text.text for text in browser.find_elements(By.CSS_SELECTOR, "text.beside")]


def test_names_stand_beside_their_rows(browser: webdriver.Chrome) -> None:
    look(browser, 1280, "light")
    boxes = [browser.find_element(By.CSS_SELECTOR, f".drawing svg:nth-child({number})").rect for number in (1, 2)]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["height"] == pytest.approx(boxes[1]["height"], abs=1)


def test_what_a_service_said_is_text(browser: webdriver.Chrome) -> None:
    assert any('<script>alert("no")</script>' in pre.text for pre in browser.find_elements(By.TAG_NAME, "pre"))
    assert not browser.find_elements(By.TAG_NAME, "script")


def test_the_browser_has_nothing_to_complain_of(browser: webdriver.Chrome) -> None:
    assert browser.get_log("browser") == []
