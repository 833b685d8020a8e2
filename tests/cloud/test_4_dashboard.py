# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a real browser."""

from __future__ import annotations

import typing as t

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as conditions
from selenium.webdriver.support.ui import WebDriverWait

from tests.cloud.conftest import API, ARTIFACTS, Cloud

URL = f"{API}:8080"
_ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900",
)  # fmt: skip


@pytest.fixture
def browser(tmp_path: t.Any) -> t.Iterator[webdriver.Chrome]:
    """A browser with an empty profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    # it knows CA certificates only from a store of its own; what is verified is tested with other clients
    options.accept_insecure_certs = True
    for argument in (*_ARGUMENTS, f"--user-data-dir={tmp_path}"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    driver.set_page_load_timeout(120)
    yield driver
    driver.quit()


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
