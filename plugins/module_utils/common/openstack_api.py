# SPDX-License-Identifier: Apache-2.0
"""A client for Keystone and the APIs in its catalog: TLS, JSON, login, and tokens that are renewed in time.

Modules import it on the hosts, and scripts import it in their containers, which get its source (``engine/scripts.py``). So it imports
nothing but the standard library. keystoneauth is not installed on hosts, takes twice as long to import, and reuses connections,
while the prober must open a new one for each request, as most clients do.
"""

from __future__ import annotations

import dataclasses
import datetime
import email.message
import functools
import http.client
import json
import ssl
import threading
import time
import typing as t
import urllib.error
import urllib.request

DOMAIN = "default"
#: Seconds before its expiry from which on a token is not used any more.
MARGIN = 60


class ApiError(Exception):
    """An API did not answer, or not as expected. ``kind`` is short enough to count errors by: ``HTTP 503``, ``TimeoutError``."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class Answer:
    """The answer to a request; ``request`` is its method and URL."""

    request: str
    status: int
    headers: email.message.Message
    text: str

    @property
    def failed(self) -> bool:
        """Whether the status is that of an error."""
        return self.status >= http.client.BAD_REQUEST

    def check(self) -> None:
        """Check that the status is not that of an error.

        Raises:
            ApiError: if it is.
        """
        if self.failed:
            detail = " ".join(self.text[:300].split())
            raise ApiError(f"{self.request}: HTTP {self.status}{f': {detail}' if detail else ''}", f"HTTP {self.status}")

    def json(self) -> t.Any:
        """Return the content, None if there is none.

        Raises:
            ApiError: if the status is that of an error, or the content is not JSON.
        """
        self.check()
        try:
            return json.loads(self.text) if self.text else None
        except ValueError as error:
            raise ApiError(f"{self.request}: the answer is not JSON: {self.text[:60]!r}", type(error).__name__) from error


class Client:
    """Sends requests, each over a connection of its own, and never through a proxy of the environment.

    Args:
        ca_certificates: CA certificates (PEM) to trust instead of those of the system.
        limit: seconds after which a request has failed.
    """

    def __init__(self, ca_certificates: str = "", limit: float = 20) -> None:
        self._ca_certificates, self._limit = ca_certificates, limit
        self._http = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @functools.cached_property
    def _https(self) -> urllib.request.OpenerDirector:
        # loading the certificates takes longer than a request, so only if there is one that needs them
        context = ssl.create_default_context(cadata=self._ca_certificates or None)
        return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))

    def send(self, method: str, url: str, token: str = "", body: t.Any = None, headers: t.Mapping[str, str] | None = None) -> Answer:
        """Return the answer, also one that reports an error.

        Raises:
            ApiError: if no answer came in time.
        """
        what = f"{method} {url}"
        fields = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
        if token:
            fields["X-Auth-Token"] = token
        data = None if body is None else json.dumps(body).encode()
        opener = self._https if url.startswith("https:") else self._http
        deadline = time.monotonic() + self._limit
        try:
            try:
                answer = opener.open(urllib.request.Request(url, data, fields, method=method), timeout=self._limit)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                text = answer.read().decode(errors="replace")
            if time.monotonic() > deadline:
                # the timeout of a socket is that of each packet
                raise TimeoutError(f"it took more than {self._limit:g} s")
        except (OSError, http.client.HTTPException, ValueError) as error:
            inner = getattr(error, "reason", error)
            cause = inner if isinstance(inner, Exception) else error
            raise ApiError(f"{what}: no answer ({cause})", type(cause).__name__) from error
        return Answer(what, answer.status, answer.headers, text)


def password_login(username: str, password: str, project: str = "") -> dict[str, t.Any]:
    """Return the body of a request for a token with a password; it is for a project, or for none."""
    user = {"name": username, "password": password, "domain": {"id": DOMAIN}}
    return _login({"methods": ["password"], "password": {"user": user}}, project)


def token_login(token: str, project: str) -> dict[str, t.Any]:
    """Return the body of a request for a token with another one: checking a password costs Keystone a quarter of a CPU second."""
    return _login({"methods": ["token"], "token": {"id": token}}, project)


def _login(identity: dict[str, t.Any], project: str) -> dict[str, t.Any]:
    scope = {"project": {"name": project, "domain": {"id": DOMAIN}}} if project else "unscoped"
    return {"auth": {"identity": identity, "scope": scope}}


@dataclasses.dataclass(frozen=True)
class Token:
    """A token, its expiry in seconds since 1970, and the URL of each type of API in the catalog."""

    text: str
    expiry: float
    urls: t.Mapping[str, str]


class Session:
    """A user who is logged in to a project. Threads may share one; while one of them logs in, the others wait.

    Args:
        auth: ``auth_url`` with the version, ``username``, ``password``, ``project_name`` and ``ca_certificates`` (PEM).
        region: region whose endpoints are used.
        interface: ``public`` or ``internal``.
        limit: seconds after which a request has failed.
    """

    def __init__(self, auth: t.Mapping[str, str], region: str, interface: str = "public", limit: float = 20) -> None:
        self._auth, self._region, self._interface = auth, region, interface
        self._client = Client(auth["ca_certificates"], limit)
        self._lock = threading.Lock()
        self._token: Token | None = None

    def token(self) -> Token:
        """Return a token that is valid for a minute or more, after a login if there is none.

        Raises:
            ApiError: if the login fails.
        """
        with self._lock:
            if not self._token or self._token.expiry - time.time() < MARGIN:
                self._token = None
                self._token = self._login()
            return self._token

    def send(self, method: str, api: str, path: str, body: t.Any = None, headers: t.Mapping[str, str] | None = None) -> Answer:
        """Return the answer of an API of the catalog to a request for a path below its URL.

        Raises:
            ApiError: if the catalog does not have the API, or no answer came.
        """
        token = self.token()
        if api not in token.urls:
            raise ApiError(f"the catalog has no {self._interface} endpoint of type {api} in region {self._region}", "KeyError")
        return self._checked(token, self._client.send(method, token.urls[api] + path, token.text, body, headers))

    def fetch(self, url: str) -> Answer:
        """Return the answer to a GET request for any URL.

        Raises:
            ApiError: if no answer came.
        """
        token = self.token()
        return self._checked(token, self._client.send("GET", url, token.text))

    def another_token(self) -> Answer:
        """Request another token with the one that there is; it is not used.

        Raises:
            ApiError: if no answer came.
        """
        token = self.token()
        return self._checked(token, self._request_token(token_login(token.text, self._auth["project_name"])))

    def _checked(self, token: Token, answer: Answer) -> Answer:
        """Return the answer; a token that was refused is not used again."""
        if answer.status == http.client.UNAUTHORIZED:
            with self._lock:
                self._token = None if self._token is token else self._token
        return answer

    def _request_token(self, body: t.Any) -> Answer:
        return self._client.send("POST", f"{self._auth['auth_url']}/auth/tokens", body=body)

    def _login(self) -> Token:
        answer = self._request_token(password_login(*(self._auth[name] for name in ("username", "password", "project_name"))))
        content = answer.json()
        try:
            urls = {
                service["type"]: endpoint["url"].rstrip("/")
                for service in content["token"]["catalog"]
                for endpoint in service["endpoints"]
                if endpoint["interface"] == self._interface and endpoint["region"] == self._region
            }
            # the catalog has it without a version
            urls["identity"] = self._auth["auth_url"]
            expiry = datetime.datetime.fromisoformat(content["token"]["expires_at"]).timestamp()
            return Token(str(answer.headers["X-Subject-Token"]), expiry, urls)
        except (KeyError, TypeError, ValueError) as error:
            raise ApiError(f"{answer.request}: the answer is not that of Keystone", type(error).__name__) from error
