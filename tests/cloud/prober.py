# SPDX-License-Identifier: Apache-2.0
"""Use the cloud's APIs all the time, as a user with a password of its own, and note every answer."""

from __future__ import annotations

import collections
import dataclasses
import functools
import time
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import openstack_api
from tests.cloud.background import Background
from tests.cloud.conftest import API

KEYSTONE = f"{API}:5000/v3"
#: What a user asks; nova passes the last two on to other services, with a token of its own beside the user's.
REQUESTS = {
    "servers": f"{API}:8774/v2.1/servers/detail",
    "networks": f"{API}:9696/v2.0/networks",
    "images": f"{API}:9292/v2/images",
    "resource providers": f"{API}:8778/resource_providers",
    "images through nova": f"{API}:8774/v2.1/images",
    "networks through nova": f"{API}:8774/v2.1/os-networks",
}
_TIMEOUT = 60


def send(method: str, url: str, token: str = "", body: t.Any = None) -> tuple[int, t.Any, t.Any]:
    """Return status, headers and content of an answer."""
    answer = openstack_api.Client(limit=_TIMEOUT).send(method, url, token, body)
    return answer.status, answer.headers, answer.text if answer.failed else answer.json()


def login(user: str, password: str, project: str = "admin") -> tuple[int, str]:
    """Log in to a project; return the status and the token."""
    status, headers, _content = send("POST", f"{KEYSTONE}/auth/tokens", body=openstack_api.password_login(user, password, project))
    return status, headers.get("X-Subject-Token", "")


@dataclasses.dataclass
class Answer:
    """What came back: a status, or the name of the error if nothing did."""

    at: float
    what: str
    status: int | str


class Prober(Background):
    """Asks one question each *interval* seconds while it is entered, and logs in anew for each round of them."""

    def __init__(self, user: str, password: str, interval: float = 0.2) -> None:
        super().__init__(self._work)
        self._user, self._password, self._interval = user, password, interval
        self.answers: list[Answer] = []

    def _work(self) -> None:
        while not self._stop.is_set():
            token = self._ask("login", functools.partial(login, self._user, self._password))
            for what, url in REQUESTS.items() if token else ():
                self._ask(what, functools.partial(send, "GET", url, token))

    def _ask(self, what: str, question: t.Callable[[], tuple[t.Any, ...]]) -> t.Any:
        """Note the answer; return what came with it, or None."""
        self._stop.wait(self._interval)
        at = time.time()
        try:
            status, content = question()[:2]
        except openstack_api.ApiError as error:
            self.answers.append(Answer(at, what, error.kind))
            return None
        self.answers.append(Answer(at, what, status))
        return content if status < 400 else None

    @property
    def counts(self) -> dict[tuple[str, int | str], int]:
        """How often each question got each answer."""
        return dict(collections.Counter((answer.what, answer.status) for answer in self.answers))
