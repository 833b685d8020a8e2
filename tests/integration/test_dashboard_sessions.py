# SPDX-License-Identifier: Apache-2.0
"""Sessions of the dashboard in a real database: they are on every host, outlive the one that made them, and go when they have expired."""

from __future__ import annotations

import ast
import http.client
import pathlib
import re
import time
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import connect
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Database
from ansible_collections.caisson.openstack.plugins.module_utils.registration import databases
from tests.unit.roles.test_definitions import hosts

from . import defined
from .conftest import Lab, MariaDB

pytestmark = pytest.mark.long

ADDRESSES = ("127.0.78.1", "127.0.78.2")
PORT = 18080
#: With what would end a string of Python, or of a URL.
PASSWORD = """p@ss"w'o\\rd\\"#%24${a}"""
#: Logs a user in as the dashboard does when Keystone has given it a token, and prints the cookie of the browser.
LOGIN = """
import datetime
import django
django.setup()
from django.contrib import auth
from django.contrib.sessions.backends import db
from django.http import HttpRequest
from keystoneauth1 import access
from openstack_auth import user as users
domain = {"id": "default", "name": "Default"}
url = "https://cloud.example.org/" + "x" * 40
token = {
    "user": {"id": "0" * 32, "name": "admin", "domain": domain, "password_expires_at": None},
    "project": {"id": "1" * 32, "name": "admin", "domain": domain},
    "roles": [{"id": "2" * 32, "name": "member"}],
    "expires_at": (datetime.datetime.utcnow() + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
    "catalog": [
        {"type": f"service{number}", "name": "x", "id": "3" * 32, "endpoints": [{"interface": "public", "region": "RegionOne", "url": url}]}
        for number in range(60)
    ],
}
request = HttpRequest()
request.session = db.SessionStore()
user = users.create_user_from_token(request, users.Token(access.create(body={"token": token}, auth_token="t" * 200)), "https://cloud.example.org")
users.set_session_from_user(request, user)
request.session[auth.SESSION_KEY] = user.id
request.session[auth.BACKEND_SESSION_KEY] = "openstack_auth.backend.KeystoneBackend"
request.session.set_expiry(SECONDS)
request.session.save()
print(request.session.session_key)
"""


class Dashboard:
    """A dashboard that one host of several would have."""

    def __init__(self, directory: pathlib.Path, address: str, files: dict[str, str]) -> None:
        self.lab, self.address = Lab(connect()), address
        directory.mkdir(mode=0o755)
        files = {name: text.replace(f"{defined.AIO}:{PORT}", f"{address}:{PORT}") for name, text in files.items()}
        self.container = defined.start(self.lab, directory, "horizon", address, files)

    def run(self, *command: str) -> str:
        """Run a command in the container and return what it prints."""
        done = self.lab.engine.exec(self.container, list(command))
        assert done.rc == 0, done.output
        return done.stdout

    def log_in(self, seconds: int = 3600) -> str:
        """Return the cookie of a user who has just logged in."""
        return self.run("python", "-c", LOGIN.replace("SECONDS", str(seconds))).split()[-1]

    def login_page(self, cookie: str = "") -> int:
        """Return the status of the login page: 200, and 302 for who is logged in."""
        connection = http.client.HTTPConnection(self.address, PORT, timeout=60)
        connection.request(
            "GET", "/auth/login/", headers={"Host": "localhost", "Cookie": f"sessionid={cookie}"} if cookie else {"Host": "localhost"}
        )
        return connection.getresponse().status

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 180
        while True:
            try:
                assert self.login_page() == 200, self.lab.engine.logs(self.container)
                return
            except OSError:
                assert time.monotonic() < deadline, self.lab.engine.logs(self.container)
                time.sleep(0.5)


@pytest.fixture(scope="module")
def files(mariadb: MariaDB) -> dict[str, str]:
    """What the containers of all hosts have, with the database of the test."""
    found = defined.configuration("horizon", horizon_database_password=PASSWORD)
    settings = found["local_settings.py"].replace(f'"HOST": "{defined.AIO}"', '"HOST": "127.0.0.1"')
    found["local_settings.py"] = re.sub(r'"PORT": \d+', f'"PORT": {mariadb.port}', settings)
    # each minute, not each night
    found["uwsgi.ini"] = re.sub(r"(?m)^cron = \d+ 4 ", "cron = -1 -1 ", found["uwsgi.ini"])
    assert "cron = -1 -1 -1 -1 -1 " in found["uwsgi.ini"]
    return found


@pytest.fixture(scope="module")
def dashboards(mariadb: MariaDB, files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[list[Dashboard]]:
    """Two that share the database which the definition asks for, with its tables."""
    assigned = {
        ast.unparse(node.targets[0]): node.value for node in ast.parse(files["local_settings.py"]).body if isinstance(node, ast.Assign)
    }
    account = ast.literal_eval(assigned["DATABASES"])["default"]
    assert account["PASSWORD"] == PASSWORD
    wanted = [Database(account["NAME"], account["USER"], account["PASSWORD"])]
    current = databases.parse(databases.ask(mariadb.lab.engine, mariadb.container, databases.query(wanted)))
    databases.ask(mariadb.lab.engine, mariadb.container, databases.script(databases.plan(wanted, current)))
    directory = tmp_path_factory.mktemp("dashboards")
    directory.chmod(0o755)
    made: list[Dashboard] = []
    try:
        for number, address in enumerate(ADDRESSES):
            made.append(Dashboard(directory / str(number), address, files))
        jobs = {job["container"]["name"]: job["container"]["command"] for job in hosts("aio", "2026.1")["aio"]["jobs"]}
        # the second time it has nothing to do
        for _time in (1, 2):
            made[0].run(*jobs["horizon_db_sync"])
        for dashboard in made:
            dashboard.wait()
        yield made
    finally:
        for dashboard in made:
            dashboard.lab.clean()


def sessions(mariadb: MariaDB) -> set[str]:
    """Return the keys of all sessions in the database."""
    return set(mariadb.sql("SELECT session_key FROM horizon.django_session").split())


def test_a_visitor_and_a_health_check_get_no_session(dashboards: list[Dashboard], mariadb: MariaDB) -> None:
    assert [dashboard.login_page() for dashboard in dashboards] == [200, 200]
    assert dashboards[0].login_page("0" * 32) == 200
    assert sessions(mariadb) == set()


def test_expired_sessions_are_cleared_and_others_are_kept(dashboards: list[Dashboard], mariadb: MariaDB) -> None:
    kept, expired = dashboards[0].log_in(), dashboards[0].log_in(-10)
    assert sessions(mariadb) >= {kept}
    assert dashboards[1].login_page(expired) == 200
    deadline = time.monotonic() + 150
    while expired in sessions(mariadb):
        assert time.monotonic() < deadline, dashboards[0].lab.engine.logs(dashboards[0].container)
        time.sleep(2)
    assert kept in sessions(mariadb)


def test_users_stay_logged_in_when_the_host_of_their_login_dies(dashboards: list[Dashboard]) -> None:
    first, second = dashboards
    cookie = first.log_in()
    assert [first.login_page(cookie), second.login_page(cookie)] == [302, 302]
    first.lab.client.kill(first.container)
    assert second.login_page(cookie) == 302
