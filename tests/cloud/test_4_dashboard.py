# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a real browser."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as conditions
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.browser import chromium
from tests.cloud.api import Api
from tests.cloud.conftest import API, ARTIFACTS, Cloud

URL = f"{API}:8080"


@pytest.fixture
def browser(tmp_path: pathlib.Path) -> t.Iterator[webdriver.Chrome]:
    """A browser with an empty profile."""
    with chromium(tmp_path) as driver:
        yield driver


@pytest.fixture
def partners(cloud: Cloud) -> t.Iterator[str]:
    """A domain beside Default, which the login page offers until the test is over."""
    api = Api(cloud)
    name = "caisson-test-partners"
    domain = api.post("identity", "/v3/domains", {"domain": {"name": name}})["domain"]["id"]
    cloud.play("site", "-e", json.dumps({"horizon_domains": ["Default", name]}))
    yield name
    cloud.play("site")
    api.patch("identity", f"/v3/domains/{domain}", {"domain": {"enabled": False}})
    api.delete("identity", f"/v3/domains/{domain}")


def test_users_of_several_domains_choose_theirs(cloud: Cloud, partners: str, browser: webdriver.Chrome) -> None:
    browser.get(f"{URL}/auth/login/")
    domains = Select(browser.find_element(By.NAME, "domain"))
    assert [option.text for option in domains.options] == ["Default", partners]
    for domain, there in ((partners, False), ("Default", True)):
        browser.get(f"{URL}/auth/login/")
        Select(browser.find_element(By.NAME, "domain")).select_by_visible_text(domain)
        browser.find_element(By.NAME, "username").send_keys("admin")
        browser.find_element(By.NAME, "password").send_keys(cloud.secrets["keystone_admin_password"])
        button = browser.find_element(By.ID, "loginBtn")
        button.click()
        WebDriverWait(browser, 120).until(conditions.staleness_of(button))
        # the administrator is one of Default only
        assert ("/auth/login" not in browser.current_url) is there


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
