# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a real browser."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as conditions
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import chromium
from tests.cloud.conftest import API, ARTIFACTS, Cloud

URL = f"{API}:8080"


@pytest.fixture
def browser(tmp_path: pathlib.Path) -> t.Iterator[webdriver.Chrome]:
    """A browser with an empty profile."""
    with chromium(tmp_path) as driver:
        yield driver


def test_an_administrator_logs_in_and_sees_the_server(cloud: Cloud, server: dict[str, t.Any], browser: webdriver.Chrome) -> None:
    browser.get(f"{URL}/auth/login/")
    browser.find_element(By.NAME, "username").send_keys("admin")
    browser.find_element(By.NAME, "password").send_keys(cloud.secrets["keystone_admin_password"])
    browser.find_element(By.ID, "loginBtn").click()
    WebDriverWait(browser, 120).until(lambda driver: "/auth/login" not in driver.current_url)
    browser.get(f"{URL}/project/instances/")
    row = WebDriverWait(browser, 120).until(conditions.presence_of_element_located((By.CSS_SELECTOR, "table#instances tbody tr")))
    ARTIFACTS.mkdir(exist_ok=True)
    browser.save_screenshot(str(ARTIFACTS / "dashboard.png"))
    assert "caisson-verify" in row.text
    assert server["floating_ip"] in row.text
    # a page without its style sheets is 8 pixels from the edge, and nobody would use it
    assert browser.find_element(By.CSS_SELECTOR, ".navbar").value_of_css_property("position") != "static"
