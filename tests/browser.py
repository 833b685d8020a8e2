# SPDX-License-Identifier: Apache-2.0
"""A real browser without a screen."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

_ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900",
)  # fmt: skip


@contextlib.contextmanager
def chromium(profile: pathlib.Path) -> t.Iterator[webdriver.Chrome]:
    """Run a browser with its data in the empty directory *profile*; it notes what pages write to the console."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    # it knows CA certificates only from a store of its own; what is verified is tested with other clients
    options.accept_insecure_certs = True
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (*_ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        driver.set_page_load_timeout(120)
        yield driver
    finally:
        driver.quit()
