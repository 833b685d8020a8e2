#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Ask every API and ping servers all the time, and tell what came back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prober
short_description: Ask every API and ping servers all the time, and tell what came back
version_added: 0.1.0
description:
  - Runs the prober in a container of the toolbox image, which goes on after the play, and returns the figures of any time in which it ran.
  - Each API is asked to read and to write by turns. What it makes is called C(caisson-prober), and is deleted.
  - Credentials go in by standard input and are seen nowhere else.
author: The caisson authors (@caisson)
options:
  state:
    description:
      - V(started) starts it unless it runs with the same parameters, V(stopped) lets it clean up and end, V(reported) returns figures.
    type: str
    choices: [started, stopped, reported]
    required: true
  name:
    description: Name of the container; needed unless O(state=reported).
    type: str
  directory:
    description: Directory of the host for the answers; it is made if it does not exist. Needed unless O(state=stopped).
    type: path
  script:
    description: Text of the prober.
    type: str
  image:
    description: Reference of the toolbox image.
    type: str
  cloud:
    description: Name of the cloud, kept as a label.
    type: str
  region:
    description: Region whose APIs are asked.
    type: str
  auth:
    description: How to log in.
    type: dict
    suboptions:
      auth_url: {description: The API with its version., type: str, required: true}
      username: {description: 'A user who may do what is asked, such as an administrator.', type: str, required: true}
      password: {description: Password of the user., type: str, required: true}
      project_name: {description: Project to log in to., type: str, required: true}
      ca_certificates: {description: 'CA certificates to trust instead of the system''s, as PEM text.', type: str, default: ''}
  addresses:
    description: IPv4 addresses to ping.
    type: list
    elements: str
    default: []
  interval:
    description: Seconds between two questions to an API.
    type: float
    default: 0.2
  ping_interval:
    description: Seconds between two pings of an address.
    type: float
    default: 0.02
  limit:
    description: Seconds that an answer of an API may take.
    type: int
    default: 60
  since:
    description: Begin of the time of the figures, in seconds since 1970; when the latest prober began if it is not given.
    type: float
  until:
    description: End of the time of the figures, in seconds since 1970; now if it is not given.
    type: float
extends_documentation_fragment: [caisson.openstack.engine]
attributes:
  check_mode: {support: full, description: Says whether it would be started or stopped.}
  diff_mode: {support: full, description: Shows whether it runs.}
"""

EXAMPLES = r"""
- name: Start the prober
  caisson.openstack.prober:
    state: started
    name: caisson_prober
    directory: /var/lib/caisson/prober
    script: "{{ lookup('ansible.builtin.file', 'prober.py') }}"
    image: "{{ cloud_image_prefix }}toolbox:{{ cloud_image_tag }}"
    cloud: "{{ cloud_name }}"
    region: RegionOne
    auth: "{{ cloud_admin_auth }}"
    addresses: [198.51.100.110]

- name: Read the figures of five minutes
  caisson.openstack.prober:
    state: reported
    directory: /var/lib/caisson/prober
    since: 1767323045
    until: 1767323345
"""

RETURN = r"""
figures:
  description:
    - Figures of the time from RV(ignore:figures.since) to RV(ignore:figures.until), of each API and each address; times in seconds,
      RV(ignore:figures.unwatched) those in which no prober ran.
    - A question has failed if it failed twice in a row. A gap goes from the first failure to the next good answer.
  returned: O(state=reported)
  type: dict
  sample:
    since: 1767323045.0
    until: 1767323345.0
    unwatched: 0.0
    apis:
      compute:
        asked: 1500
        failed: 3
        retried: 4
        availability: 99.8
        longest_gap: 0.61
        slowest: 0.31
        error: HTTP 503
        gaps: [{begin: 1767323100.1, end: 1767323100.71, lost: 3, kind: read}]
    pings:
      198.51.100.110:
        sent: 15000
        lost: 12
        longest_gap: 0.24
        slowest: 0.004
        gaps: [{begin: 1767323101.02, end: 1767323101.26, lost: 12, kind: ping}]
    step: 1
    timeline:
      compute: {asked: [5, 5, 5], failed: [0, 3, 0], slowest: [0.05, 0.31, 0.06]}
lines:
  description: The same for people.
  returned: O(state=reported)
  type: list
  elements: str
"""

import dataclasses
import ipaddress
import json
import pathlib
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import DEFAULT_URL, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.detached import Errands
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import LABEL, ContainerSpec, digest
from ansible_collections.caisson.openstack.plugins.module_utils.output import availability
from ansible_collections.caisson.openstack.plugins.module_utils.registration.catalog import AUTH

#: Label with a digest of what the container was started with.
_PARAMETERS = f"{LABEL}parameters"
_FILE = "answers.jsonl"
#: Where the directory of the answers is in the container.
_MOUNT = pathlib.PurePosixPath("/answers")
_START_TIMEOUT = 20.0  # seconds
_END = """

raise SystemExit(main(json.loads({parameters!r})))
"""


class Prober:
    """The prober of one host; methods raise :class:`EngineError`, ``start`` also :class:`ValueError` for an address that is none."""

    def __init__(self, engine: Errands, params: dict[str, t.Any]) -> None:
        self._engine, self._params = engine, params
        self._name: str = params["name"]
        self._current = engine.container(self._name)

    def start(self, check: bool) -> tuple[str, str]:
        """Start it, unless it runs as it should or *check* is set; return in words what was and what is."""
        source, spec = self._source(), self._spec()
        image_id = self._engine.image_id(spec.image)
        if not image_id:
            raise EngineError(f"image {spec.image} is not on this host; build it (playbook build) or pull it (playbook pull)")
        wanted = digest([source, spec.compared(), image_id])
        before = self._state()
        if self._current and self._current.running:
            if self._current.labels.get(_PARAMETERS) == wanted:
                return before, before
            before += " with other parameters"
        if not check:
            self.stop(check)
            file = pathlib.Path(self._params["directory"]) / _FILE
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            size = _size(file)
            self._engine.begin(spec, image_id, self._params["cloud"], source.encode(), {_PARAMETERS: wanted})
            self._await(file, size)
        return before, "runs"

    def stop(self, check: bool) -> tuple[str, str]:
        """Let it end, and remove its container, unless *check* is set; return in words what was and what is."""
        if self._current and not check:
            if self._current.running:
                self._engine.stop(self._name, self._current.stop_timeout)
            self._engine.remove(self._name)
        return self._state(), "absent"

    def _state(self) -> str:
        if not self._current:
            return "absent"
        return "runs" if self._current.running else "ended"

    def _await(self, file: pathlib.Path, size: int) -> None:
        """Wait until it writes."""
        deadline = time.monotonic() + _START_TIMEOUT
        while _size(file) == size:
            progress = self._engine.progress(self._name)
            if progress.rc is not None or time.monotonic() > deadline:
                lines = progress.stderr.strip().splitlines()
                raise EngineError(f"the prober did not start: {lines[-1] if lines else f'nothing was written to {file}'}")
            time.sleep(0.1)

    def _source(self) -> str:
        names = ("auth", "region", "interval", "ping_interval", "limit")
        addresses = [str(ipaddress.IPv4Address(address)) for address in self._params["addresses"]]
        parameters = {**{name: self._params[name] for name in names}, "addresses": addresses, "file": str(_MOUNT / _FILE)}
        return self._params["script"] + _END.format(parameters=json.dumps(parameters))

    def _spec(self) -> ContainerSpec:
        return ContainerSpec(
            name=self._name,
            service="prober",
            image=self._params["image"],
            # without what is installed beside the standard library it starts at once
            command=["/usr/bin/python3", "-ISu", "-"],
            volumes=[f"{self._params['directory']}:{_MOUNT}"],
            # a ping needs a raw socket
            capabilities=["NET_RAW"] if self._params["addresses"] else [],
            # two tries of a question that runs, then two requests to clean up
            stop_timeout=4 * self._params["limit"] + 10,
        )


def _size(file: pathlib.Path) -> int:
    return file.stat().st_size if file.exists() else 0


def report(directory: pathlib.Path, since: float | None, until: float | None) -> availability.Figures:
    """Return the figures of a time.

    Raises:
        OSError: if the answers cannot be read.
        ValueError: if there are none, or the time is none.
    """
    rows: list[availability.Row] = []
    for path in (directory / f"{_FILE}.1", directory / _FILE):
        if path.exists():
            with path.open(encoding="utf-8", errors="replace") as stream:
                rows += availability.parse(stream)
    began = availability.began(rows)
    if began is None:
        raise ValueError(f"no prober has written to {directory}; start it first")
    return availability.figures(rows, began if since is None else since, time.time() if until is None else until)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "stopped", "reported"], "required": True},
            "name": {"type": "str"},
            "directory": {"type": "path"},
            "script": {"type": "str"},
            "image": {"type": "str"},
            "cloud": {"type": "str"},
            "region": {"type": "str"},
            "auth": {"type": "dict", "options": AUTH},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "interval": {"type": "float", "default": 0.2},
            "ping_interval": {"type": "float", "default": 0.02},
            "limit": {"type": "int", "default": 60},
            "since": {"type": "float"},
            "until": {"type": "float"},
            "engine_url": {"type": "str", "default": DEFAULT_URL},
        },
        required_if=[
            ("state", "started", ["name", "directory", "script", "image", "cloud", "region", "auth"]),
            ("state", "stopped", ["name"]),
            ("state", "reported", ["directory"]),
        ],
        supports_check_mode=True,
    )
    params = module.params
    try:
        if params["state"] == "reported":
            figures = report(pathlib.Path(params["directory"]), params["since"], params["until"])
            module.exit_json(changed=False, figures=dataclasses.asdict(figures), lines=availability.table(figures))
        prober = Prober(Errands(connect(params["engine_url"])), params)
        before, after = (prober.start if params["state"] == "started" else prober.stop)(module.check_mode)
    except (EngineError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=before != after, diff={"before": f"{before}\n", "after": f"{after}\n"})


if __name__ == "__main__":
    main()
