# SPDX-License-Identifier: Apache-2.0
"""Users who read and write all the time while something happens to the cloud, and what they noticed."""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
import typing as t
import uuid

from ansible_collections.caisson.openstack.plugins.module_utils.common import openstack_api
from tests.cloud.background import Background

#: Seconds between two requests of one user, and between two logins: a password costs a tenth of a second of a processor.
_INTERVAL = 1.0
_LOGIN_INTERVAL = 2.0
#: What users read: the type of the API and a path.
READS = {
    "images": ("image", "/v2/images?limit=5"),
    "servers": ("compute", "/servers?limit=5"),
    "networks": ("network", "/v2.0/networks?limit=5"),
    "providers": ("placement", "/resource_providers"),
}
#: What users make, a row of a database each: the type of the API, its path, the key of a body and of a list.
WRITES = {
    "projects": ("identity", "/projects", "project"),
    "address scopes": ("network", "/v2.0/address-scopes", "address_scope"),
}


@dataclasses.dataclass
class Question:
    """What became of one user's requests; times are seconds since 1970."""

    answered: list[float] = dataclasses.field(default_factory=list)
    failed: list[tuple[float, str]] = dataclasses.field(default_factory=list)
    #: requests that succeeded when they were sent a second time
    retried: int = 0
    #: when the latest request was answered or given up
    ended: float = 0.0

    def longest_gap(self, begin: float, end: float) -> float:
        """Return the longest time without an answer, in seconds; a request that was open at the end counts until it was given up."""
        times = [begin, *self.answered, max(end, self.ended)]
        return max(after - before for before, after in itertools.pairwise(times))


class Observer(Background):
    """One user for each question: all read or write while it is entered, and send what failed once more.

    Args:
        make_session: logs a user in.
        apis: types of the APIs that are asked, if users ask them at all.
    """

    def __init__(self, make_session: t.Callable[[], openstack_api.Session], apis: t.Collection[str]) -> None:
        self._make_session = make_session
        reads = [name for name, (api, *_) in READS.items() if api in apis]
        self._writes = [name for name, (api, *_) in WRITES.items() if api in apis]
        self._lock = threading.Lock()
        self.questions: dict[str, Question] = {name: Question() for name in ("login", *reads, *self._writes)}
        #: by kind the names of what an API said to have stored
        self.acknowledged: dict[str, list[str]] = {name: [] for name in self._writes}
        self._run = uuid.uuid4().hex[:8]
        self.begin = self.end = 0.0
        super().__init__(self._login, *(self._reader(name) for name in reads), *(self._writer(name) for name in self._writes))

    def __enter__(self) -> t.Self:
        """Begin."""
        self.begin = time.time()
        return super().__enter__()

    def __exit__(self, *error: t.Any) -> None:
        """End, wait for the last answers, and print what the users noticed."""
        # one user may wait for an answer for long; the others ask no more meanwhile
        self.end = time.time()
        super().__exit__(*error)
        print(self)

    def _login(self) -> None:
        while not self._stop.wait(_LOGIN_INTERVAL):
            self._try("login", lambda: self._make_session().token())

    def _reader(self, name: str) -> t.Callable[[], None]:
        api, path = READS[name]

        def work() -> None:
            session = self._make_session()
            while not self._stop.wait(_INTERVAL):
                self._try(name, lambda: session.send("GET", api, path).check())

        return work

    def _writer(self, name: str) -> t.Callable[[], None]:
        api, path, key = WRITES[name]

        def work() -> None:
            session = self._make_session()
            for number in itertools.count():
                if self._stop.wait(_INTERVAL):
                    return
                row = f"observer-{self._run}-{number}"
                body = {key: {"name": row, **({"ip_version": 4} if api == "network" else {})}}

                def store(row: str = row, body: dict[str, t.Any] = body) -> None:
                    answer = session.send("POST", api, path, body)
                    # the first try may have been stored without an answer
                    if answer.status != 409:
                        answer.check()
                    self.acknowledged[name].append(row)

                self._try(name, store)

        return work

    def _try(self, name: str, request: t.Callable[[], t.Any]) -> None:
        """Send a request, and once more if it fails."""
        question = self.questions[name]
        for attempt in (1, 2):
            try:
                request()
            except openstack_api.ApiError as error:
                question.ended = time.time()
                if attempt == 2:
                    question.failed.append((question.ended, error.kind))
            else:
                question.ended = time.time()
                question.answered.append(question.ended)
                question.retried += attempt - 1
                return

    @property
    def failed(self) -> dict[str, list[tuple[float, str]]]:
        """The requests that failed twice."""
        return {name: question.failed for name, question in self.questions.items() if question.failed}

    def gap(self, without: t.Collection[str] = ()) -> float:
        """Return the longest time in which one of the users got no answer, but for users *without*, in seconds."""
        return max(question.longest_gap(self.begin, self.end) for name, question in self.questions.items() if name not in without)

    def lost(self, session: openstack_api.Session) -> dict[str, set[str]]:
        """Return the rows that were acknowledged and are not there; what was made is removed."""
        missing = {}
        for name in self._writes:
            api, path, key = WRITES[name]
            found: set[str] = set()
            # Keystone lists no more than a thousand at a time
            while rows := self._rows(session, api, path, key):
                found |= rows.keys()
                for identifier in rows.values():
                    session.send("DELETE", api, f"{path}/{identifier}").check()
            if gone := set(self.acknowledged[name]) - found:
                missing[name] = gone
        return missing

    def _rows(self, session: openstack_api.Session, api: str, path: str, key: str) -> dict[str, str]:
        """Return the ids of what the users of observers have made, by name."""
        answer = session.send("GET", api, path).json()
        rows = answer[next(item for item in answer if item.startswith(key))]
        return {row["name"]: row["id"] for row in rows if row["name"].startswith("observer-")}

    def __str__(self) -> str:
        lines = [
            f"{name}: {len(question.answered)} answered, {question.retried} of them at the second try, {len(question.failed)} failed, "
            f"longest gap {question.longest_gap(self.begin, self.end):.1f} s"
            for name, question in self.questions.items()
        ]
        return "\n".join(lines)
