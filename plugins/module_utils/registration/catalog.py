# SPDX-License-Identifier: Apache-2.0
"""Users, services and endpoints in Keystone: compare what is there with what is wanted. Pure, but for :class:`Keystone`."""

from __future__ import annotations

import dataclasses
import http.client
import time
import typing as t
from urllib.parse import quote, urlencode

from ansible_collections.caisson.openstack.plugins.module_utils.common.openstack_api import DOMAIN, ApiError, Client, password_login
from ansible_collections.caisson.openstack.plugins.module_utils.model.api import CatalogEntry
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import User
from ansible_collections.caisson.openstack.plugins.module_utils.registration import alternate_accounts

#: How a module is told to log in at Keystone, as an Ansible argument spec.
AUTH: dict[str, dict[str, t.Any]] = {
    "auth_url": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "project_name": {"type": "str", "required": True},
    "ca_certificates": {"type": "str", "default": ""},
}
_INTERFACES = ("internal", "public")
_TIMEOUT = 30  # seconds for one request
_PAUSE = 0.5  # seconds between two tries


class CatalogError(Exception):
    """Keystone refused or does not answer; the message says what was asked and what to do.

    ``status`` is the code of the answer, None if there was none.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status

    @property
    def silent(self) -> bool:
        """Whether nobody is there who can work: no answer, a load balancer's own, or that of an API without its database."""
        return self.status is None or self.status >= http.client.INTERNAL_SERVER_ERROR


@dataclasses.dataclass
class CatalogState:
    """What Keystone has, by name, as its API returns it."""

    projects: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    roles: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    users: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    services: dict[tuple[str, str], t.Any] = dataclasses.field(default_factory=dict)
    regions: set[str] = dataclasses.field(default_factory=set)
    endpoints: list[t.Any] = dataclasses.field(default_factory=list)
    assignments: set[tuple[str, str, str]] = dataclasses.field(default_factory=set)
    valid_passwords: set[str] = dataclasses.field(default_factory=set)


@dataclasses.dataclass(frozen=True)
class CatalogChange:
    """One thing to do, and why; ``arguments`` may hold a password and are never shown."""

    verb: str
    subject: str
    reason: str
    arguments: dict[str, t.Any]

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}"


def plan(
    current: CatalogState, users: t.Sequence[User], endpoints: t.Sequence[CatalogEntry], project: str, region: str
) -> list[CatalogChange]:
    """Return the steps that make Keystone have what is wanted, in an order that works."""
    steps: list[CatalogChange] = []
    if users and project not in current.projects:
        steps.append(CatalogChange("create_project", f"project {project}", "it does not exist", {"name": project}))
    missing = sorted({role for user in users for role in user.roles} - current.roles.keys())
    steps += [CatalogChange("create_role", f"role {role}", "it does not exist", {"name": role}) for role in missing]
    for user in alternate_accounts.accepted(users):
        steps += _user(current, user, project)
    gone = [name for name in alternate_accounts.retired(users) if name in current.users]
    steps += [CatalogChange("delete_user", f"user {name}", "its password was rotated", {"name": name}) for name in gone]
    if endpoints and region not in current.regions:
        steps.append(CatalogChange("create_region", f"region {region}", "it does not exist", {"identifier": region}))
    for endpoint in endpoints:
        steps += _endpoint(current, endpoint, region)
    return steps


def observe(keystone: Keystone, auth: t.Mapping[str, str], external: bool = False, **wanted: t.Any) -> list[str]:
    """Return what is to be changed, as lines; it is not known while Keystone does not answer, or not to the administrator.

    A run may be about to start Keystone or its database, or to give the administrator another password.

    Args:
        external: whether Keystone is that of another region: it has to answer, and other regions in it must not be touched.
        wanted: ``users``, ``endpoints``, ``project`` and ``region``, as :func:`plan` takes them.

    Raises:
        CatalogError: if Keystone refuses for another reason, or an external one is not what it should be.
    """
    try:
        keystone.login(auth["username"], auth["password"], auth["project_name"])
        current = keystone.read(wanted["users"], wanted["project"], wanted["region"])
    except CatalogError as error:
        if not (error.silent or error.status == http.client.UNAUTHORIZED):
            raise
        what = "does not answer" if error.silent else f"does not know {auth['username']}'s password"
        if external:
            remedy = "keystone_external_url" if error.silent else "keystone_admin_password"
            text = f"the external Keystone at {auth['auth_url']} {what}; nothing was changed. Check {remedy} ({error})"
            raise CatalogError(text, error.status) from error
        return [f"Keystone at {auth['auth_url']} {what}: users, services and endpoints are checked once it does"]
    own = [user.name for user in alternate_accounts.accepted(wanted["users"])]
    if external and current.endpoints and current.users.keys().isdisjoint(own):
        raise CatalogError(
            f"region {wanted['region']} in the external Keystone at {auth['auth_url']} belongs to another cloud: it has endpoints, but no "
            "user of this one. Nothing was changed. Set cloud_region to a name that no other region has"
        )
    return [str(step) for step in plan(current, **wanted)]


def _user(current: CatalogState, user: User, project: str) -> list[CatalogChange]:
    steps = []
    arguments = {"name": user.name, "password": user.password}
    if user.name not in current.users:
        steps.append(CatalogChange("create_user", f"user {user.name}", "it does not exist", arguments))
    elif user.name not in current.valid_passwords:
        steps.append(CatalogChange("set_password", f"user {user.name}", "its password differs", arguments))
    for role in user.roles:
        if (user.name, project, role) not in current.assignments:
            what = {"user": user.name, "project": project, "role": role}
            steps.append(CatalogChange("assign", f"user {user.name}", f"it does not have role {role} in project {project}", what))
    return steps


def _endpoint(current: CatalogState, endpoint: CatalogEntry, region: str) -> list[CatalogChange]:
    steps = []
    service = current.services.get((endpoint.name, endpoint.type))
    subject = f"service {endpoint.name} ({endpoint.type})"
    key = {"name": endpoint.name, "kind": endpoint.type}
    if service is None:
        steps.append(CatalogChange("create_service", subject, "it does not exist", {**key, "description": endpoint.description}))
    for interface in _INTERFACES:
        url = getattr(endpoint, f"{interface}_url")
        found = [
            item
            for item in current.endpoints
            if service and item["service_id"] == service["id"] and item["interface"] == interface and item["region_id"] == region
        ]
        what = f"{interface} endpoint of {endpoint.name}"
        if not found:
            arguments = {**key, "interface": interface, "url": url, "region": region}
            steps.append(CatalogChange("create_endpoint", what, f"it does not exist ({url})", arguments))
        elif found[0]["url"] != url:
            steps.append(
                CatalogChange("update_endpoint", what, f"url {found[0]['url']} -> {url}", {"identifier": found[0]["id"], "url": url})
            )
        steps += [CatalogChange("delete_endpoint", what, "duplicate endpoint", {"identifier": item["id"]}) for item in found[1:]]
    return steps


class Keystone:
    """A session with Keystone's API, version 3.

    Args:
        url: the API with its version, such as ``http://192.0.2.1:5000/v3``.
        timeout: seconds to wait for an API that refuses connections because it is starting.
        ca_certificates: CA certificates (PEM) to trust instead of those of the system.
    """

    def __init__(self, url: str, timeout: int = 60, ca_certificates: str = "") -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._token = ""
        self._client = Client(ca_certificates, _TIMEOUT)

    def login(self, username: str, password: str, project: str) -> None:
        """Get a token for all further calls."""
        self._token = self._authenticate(username, password, project)

    def accepts(self, username: str, password: str) -> bool:
        """Return whether a user can log in with a password."""
        try:
            self._authenticate(username, password)
        except CatalogError as error:
            if error.status == 401:
                return False
            raise
        return True

    def read(self, users: t.Sequence[User], project: str, region: str) -> CatalogState:
        """Return what Keystone has, as far as *users*, their *project* and the catalog of *region* go.

        Nothing is listed of which there may be thousands, by tenants or by regions: that is slow, and Keystone cuts a list at its
        ``max_db_limit``.
        """
        current = CatalogState(projects=self._named("projects", project), roles={item["name"]: item for item in self._get("roles")})
        current.services = {(item["name"], item["type"]): item for item in self._get("services")}
        current.endpoints = self._get("endpoints", region_id=region)
        current.regions = {item["id"] for item in self._get("regions")}
        for item in self._assignments(current.projects.get(project)):
            current.users[item["user"]["name"]] = item["user"]
            current.assignments.add((item["user"]["name"], project, item["role"]["name"]))
        accepted = alternate_accounts.accepted(users)
        for name in {*(user.name for user in accepted), *alternate_accounts.retired(users)} - current.users.keys():
            current.users |= self._named("users", name)
        known = [user for user in accepted if user.name in current.users]
        current.valid_passwords = {user.name for user in known if self.accepts(user.name, user.password)}
        return current

    def _named(self, kind: str, name: str) -> dict[str, t.Any]:
        """Return by its name what the domain has of that name; other domains may have users and projects of the same name."""
        return {item["name"]: item for item in self._get(kind, domain_id=DOMAIN, name=name)}

    def _assignments(self, project: t.Any) -> list[t.Any]:
        """Return the roles that users of the domain have in a project, if there is one."""
        if not project:
            return []
        found = self._get("role_assignments", **{"include_names": "true", "scope.project.id": project["id"]})
        return [item for item in found if item.get("user", {}).get("domain", {}).get("id") == DOMAIN]

    def apply(self, current: CatalogState, step: CatalogChange) -> None:
        """Do one step; *current* learns what it made."""
        getattr(self, f"_{step.verb}")(current, **step.arguments)

    def _create_project(self, current: CatalogState, name: str) -> None:
        current.projects[name] = self._post("projects", "project", {"name": name, "domain_id": DOMAIN})

    def _create_role(self, current: CatalogState, name: str) -> None:
        current.roles[name] = self._post("roles", "role", {"name": name})

    def _create_user(self, current: CatalogState, name: str, password: str) -> None:
        current.users[name] = self._post("users", "user", {"name": name, "password": password, "domain_id": DOMAIN})

    def _set_password(self, current: CatalogState, name: str, password: str) -> None:
        self._request("PATCH", f"users/{current.users[name]['id']}", {"user": {"password": password}})

    def _delete_user(self, current: CatalogState, name: str) -> None:
        self._request("DELETE", f"users/{current.users.pop(name)['id']}")

    def _assign(self, current: CatalogState, user: str, project: str, role: str) -> None:
        ids = current.projects[project]["id"], current.users[user]["id"], current.roles[role]["id"]
        self._request("PUT", "projects/{}/users/{}/roles/{}".format(*ids))

    def _create_region(self, current: CatalogState, identifier: str) -> None:
        self._post("regions", "region", {"id": identifier})
        current.regions.add(identifier)

    def _create_service(self, current: CatalogState, name: str, kind: str, description: str) -> None:
        body = {"name": name, "type": kind, "description": description}
        current.services[name, kind] = self._post("services", "service", body)

    def _create_endpoint(self, current: CatalogState, name: str, kind: str, interface: str, url: str, region: str) -> None:
        body = {"service_id": current.services[name, kind]["id"], "interface": interface, "url": url, "region_id": region}
        self._post("endpoints", "endpoint", body)

    def _update_endpoint(self, _current: CatalogState, identifier: str, url: str) -> None:
        self._request("PATCH", f"endpoints/{identifier}", {"endpoint": {"url": url}})

    def _delete_endpoint(self, _current: CatalogState, identifier: str) -> None:
        self._request("DELETE", f"endpoints/{identifier}")

    # -- requests -----------------------------------------------------------------------------------------------

    def _authenticate(self, username: str, password: str, project: str = "") -> str:
        headers, _content = self._send("POST", "auth/tokens", password_login(username, password, project))
        return str(headers["X-Subject-Token"])

    def _get(self, kind: str, **filters: str) -> t.Any:
        """Return what there is of a kind, or what of it has the properties that are given."""
        query = f"?{urlencode(filters)}" if filters else ""
        return self._request("GET", kind + query)[kind]

    def _post(self, path: str, noun: str, body: dict[str, t.Any]) -> t.Any:
        return self._request("POST", path, {noun: body})[noun]

    def _request(self, method: str, path: str, body: dict[str, t.Any] | None = None) -> t.Any:
        return self._send(method, quote(path, safe="/?=&%+"), body)[1]

    def _send(self, method: str, path: str, body: dict[str, t.Any] | None) -> tuple[t.Any, t.Any]:
        """Return headers and content of the answer, after waiting for an API that is starting.

        Only what surely was not received is sent again: a refused connection, or a load balancer that has not seen the API yet.
        """
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return self._try(method, path, body)
            except CatalogError as error:
                starting = error.status == 503 or getattr(error.__cause__, "kind", "") == ConnectionRefusedError.__name__
                if not starting or time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSE)

    def _try(self, method: str, path: str, body: dict[str, t.Any] | None) -> tuple[t.Any, t.Any]:
        try:
            answer = self._client.send(method, f"{self._url}/{path}", self._token, body)
        except ApiError as error:
            raise CatalogError(f"{error}; is Keystone running?") from error
        try:
            return answer.headers, answer.json()
        except ApiError as error:
            failing = answer.status >= http.client.INTERNAL_SERVER_ERROR
            hint = "docker logs keystone_api says why" if failing else "" if answer.failed else "is this the URL of Keystone?"
            raise CatalogError("; ".join(filter(None, [str(error), hint])), answer.status) from error
