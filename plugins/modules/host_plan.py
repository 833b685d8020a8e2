#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""What has to change on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_plan
short_description: What has to change on a host
version_added: 0.1.0
description:
  - Compares files, containers and jobs of a host with the model and returns every step that bringing it there takes, with the
    reason. Nothing is changed.
  - A container is compared with all that the engine and the kernel say of it, so what hands changed is found as well.
  - Compares databases and catalog as well, on the hosts that are given what these should hold.
  - Fails if containers that are taken for granted are not as they should be, because a run for some services or hosts only
    would leave something half-made.
author: The caisson authors (@caisson)
options:
  required:
    description: Specifications of containers that must be there, as they should be and healthy, because others need them.
    type: list
    elements: dict
    default: []
  remote_dependencies:
    description: Ports on other hosts that must answer, because what listens there is needed.
    type: list
    elements: dict
    default: []
    suboptions:
      service: {description: Service that listens., type: str, required: true}
      host: {description: Its host., type: str, required: true}
      address: {description: Address to connect to., type: str, required: true}
      port: {description: TCP port., type: int, required: true}
  limits:
    description: Limits that the operator has set for containers of the host, which must have that much memory and these processors.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the container., type: str, required: true}
      memory: {description: 'Memory limit, such as V(4g).', type: str, default: ''}
      cpuset_cpus: {description: 'Processors that it may use, such as V(0-3,8).', type: str, default: ''}
  prune_services:
    description: Services whose containers are to be removed if they are not in O(keep).
    type: list
    elements: str
    default: []
  keep:
    description: Names of the containers that belong on the host.
    type: list
    elements: str
    default: []
  parallel:
    description: Containers that are compared at the same time.
    type: int
    default: 8
  database_container:
    description: Name of the container that serves O(databases).
    type: str
    default: mariadb
  database_moved:
    description: Whether the operator says that the databases have been moved to the server that is used from now on.
    type: bool
    default: false
  broker_servers:
    description: Brokers outside of the cloud, which are tried if the host is to reach one.
    type: dict
    suboptions:
      hosts: {description: Names or addresses., type: list, elements: str, required: true}
      port: {description: TCP port., type: int, required: true}
      user: {description: User of the services., type: str, required: true}
      password: {description: Password of that user., type: str, required: true}
      vhost: {description: Virtual host., type: str, required: true}
      image: {description: 'Image with the driver, the one of the clients.', type: str, required: true}
      ca_certificates: {description: CA certificates that verify the brokers; without them TLS is not used., type: str, default: ''}
  external_servers:
    description: Ports of external services that must answer, because containers of this host use them.
    type: list
    elements: dict
    default: []
    suboptions:
      service: {description: Service that listens., type: str, required: true}
      host: {description: Not used., type: str, required: true}
      address: {description: Name or address to connect to., type: str, required: true}
      port: {description: TCP port., type: int, required: true}
  auth:
    description: How to log in at Keystone, whose users and endpoints are compared if this is given.
  auth_job:
    description: Job that sets the password of O(auth). While it has to run because its triggers changed, Keystone is not asked.
    type: str
    default: ''
  auth_external:
    description: Whether Keystone is that of another region. Then it has to answer, and O(region) must not belong to another cloud.
    type: bool
    default: false
  region:
    description: Region of the endpoints.
    type: str
    default: ''
  project:
    description: Project of the services' users.
    type: str
    default: service
extends_documentation_fragment:
  - caisson.openstack.engine
  - caisson.openstack.cloud
  - caisson.openstack.files
  - caisson.openstack.specifications
  - caisson.openstack.registration
  - caisson.openstack.registration.auth
  - caisson.openstack.registration.databases
  - caisson.openstack.registration.database_server
attributes:
  check_mode: {support: full, description: 'Reports a change if a run without check mode would make one.'}
  diff_mode: {support: full, description: 'Shows each file, secrets masked, and each option that differs.'}
"""

EXAMPLES = r"""
- name: Compare the host with its definitions
  caisson.openstack.host_plan:
    cloud: example
    files: "{{ host_model.files }}"
    containers: "{{ (host_model.parts | caisson.openstack.model_part('stages')).service.containers }}"
  register: host_plan
"""

RETURN = r"""
steps:
  description: What has to be done, in order, with the reasons and what users would notice.
  returned: success
  type: list
  elements: dict
  sample: [{kind: container, name: glance_api, action: replace, service: glance, reasons: ['memory: none -> 1g'], impact: '', digest: 0a1b}]
releases:
  description: Release that runs and release that is wanted, of containers that are to get an image of another release.
  returned: success
  type: list
  elements: list
  sample: [['2025.2', '2026.1']]
unhealthy:
  description: Containers that are as they should be, but not healthy.
  returned: success
  type: list
  elements: str
changes:
  description: What would be changed in the databases and in the catalog, and why.
  returned: success
  type: dict
  contains:
    database: {description: Of databases and their users., type: list, elements: str, returned: success}
    catalog: {description: 'Of users, services and endpoints in Keystone.', type: list, elements: str, returned: success}
  sample: {database: ['database glance: it does not exist'], catalog: []}
external:
  description: Servers outside of the cloud that the host uses.
  returned: success
  type: list
  elements: str
  sample: ['mariadb at 192.0.2.50:3306']
clusters:
  description: What the host's members of clusters know of themselves, in the place of containers that do not run from their volumes.
  returned: success
  type: list
  elements: dict
  sample:
    - {cluster: galera, container: mariadb, members: {control1: 192.0.2.11}, recovers: true, lost_hosts: [],
       state: {running: true, data: true, cluster: 0a1b, position: 42, serving: true, error: ''}}
alone:
  description: By container that is to be none of a cluster any more the addresses of the members that run, without its own.
  returned: success
  type: dict
  sample: {mariadb: [192.0.2.12, 192.0.2.13]}
leaving:
  description: Members of clusters that are removed from this host.
  returned: success
  type: list
  elements: str
  sample: [mariadb]
"""

import dataclasses
import pathlib
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.common.urls import url_host
from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments, config_tree, limits, lock, members
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.converge import Converger
from ansible_collections.caisson.openstack.plugins.module_utils.engine.outcomes import Outcome
from ansible_collections.caisson.openstack.plugins.module_utils.engine.read_once import ReadOnceEngine
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import DEFAULT_PATH, StateError, StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.model.api import CatalogEntry
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Database, User
from ansible_collections.caisson.openstack.plugins.module_utils.model.limits import LimitedContainer, unfit
from ansible_collections.caisson.openstack.plugins.module_utils.model.selection import RemoteDependency
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import LABEL_CLOUD, ContainerSpec, JobSpec
from ansible_collections.caisson.openstack.plugins.module_utils.output import plan_steps
from ansible_collections.caisson.openstack.plugins.module_utils.preflight import host_facts
from ansible_collections.caisson.openstack.plugins.module_utils.registration import catalog, databases, external_broker, external_database
from ansible_collections.caisson.openstack.plugins.module_utils.registration.catalog import AUTH, CatalogError, Keystone
from ansible_collections.caisson.openstack.plugins.module_utils.registration.external_broker import BrokerServers, ExternalBrokerError
from ansible_collections.caisson.openstack.plugins.module_utils.registration.external_database import DatabaseServer, ExternalDatabaseError
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import haproxy_admin

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "required": {"type": "list", "elements": "dict", "default": []},
    "remote_dependencies": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": dataclass_spec.argument_spec(RemoteDependency),
    },
    "limits": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(LimitedContainer)},
    "prune_services": {"type": "list", "elements": "str", "default": []},
    "keep": {"type": "list", "elements": "str", "default": []},
    "parallel": {"type": "int", "default": 8},
    "databases": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(Database)},
    "database_container": {"type": "str", "default": "mariadb"},
    "database_server": {"type": "dict", "options": dataclass_spec.argument_spec(DatabaseServer)},
    "database_moved": {"type": "bool", "default": False},
    "broker_servers": {"type": "dict", "options": dataclass_spec.argument_spec(BrokerServers)},
    "external_servers": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(RemoteDependency)},
    "auth": {"type": "dict", "options": AUTH},
    "auth_job": {"type": "str", "default": ""},
    "auth_external": {"type": "bool", "default": False},
    "region": {"type": "str", "default": ""},
    "project": {"type": "str", "default": "service"},
    "users": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(User)},
    "endpoints": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(CatalogEntry)},
    **arguments.ENGINE,
    **arguments.CLOUD,
    **arguments.FILES,
    **arguments.SPECIFICATIONS,
}


def _databases(params: dict[str, t.Any], engine: Engine, state: StateFile) -> list[str]:
    """Return what would change in the databases, as lines."""
    wanted = [dataclass_spec.construct(Database, item) for item in params["databases"]]
    container, moved = params["database_container"], params["database_moved"]
    former = str(state.get("databases", "server") or "")
    if not wanted:
        return []
    if not params["database_server"]:
        if not moved:
            external_database.refuse_move(former, f"container {container}")
        return databases.observe(engine, container, wanted)
    if not former and container in engine.containers([f"{LABEL_CLOUD}={params['cloud']}"]):
        former = f"container {container}"
    server = dataclass_spec.construct(DatabaseServer, params["database_server"])
    ask = external_database.asker(engine, server, params["cloud"])
    return external_database.observe(ask, server, wanted, former, moved)


def _shared(params: dict[str, t.Any], engine: Engine, state: StateFile, outcomes: list[Outcome]) -> dict[str, list[str]]:
    """Return what would change in the databases and in the catalog, as lines."""
    auth = params["auth"]
    changes = {"database": _databases(params, engine, state), "catalog": []}
    locked = any(item.name == params["auth_job"] and "triggers changed" in item.reasons for item in outcomes)
    if auth and not locked:
        changes["catalog"] = catalog.observe(
            Keystone(auth["auth_url"], 0, auth["ca_certificates"]),
            auth,
            params["auth_external"],
            users=[dataclass_spec.construct(User, item) for item in params["users"]],
            endpoints=[dataclass_spec.construct(CatalogEntry, item) for item in params["endpoints"]],
            project=params["project"],
            region=params["region"],
        )
    return changes


def _observe(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    root = pathlib.Path(params["root"])
    wanted = config_tree.unpack(params["files"])
    containers = [dataclass_spec.construct(ContainerSpec, item) for item in params["containers"]]
    required = [dataclass_spec.construct(ContainerSpec, item) for item in params["required"]]
    external = [dataclass_spec.construct(RemoteDependency, item) for item in params["external_servers"]]
    jobs = [dataclass_spec.construct(JobSpec, item) for item in params["jobs"]]
    try:
        if silent := plan_steps.unreachable(external):
            raise ExternalDatabaseError("nothing was changed:\n" + "\n".join(f"  - {error}" for error in silent))
        state = StateFile()
        changes = config_tree.plan(root, wanted, state.section("files"))
        engine = ReadOnceEngine(connect(params))
        converger = Converger(engine, params["cloud"], state, check_mode=True, edited=config_tree.edited(changes))
        outcomes = converger.converge(containers, jobs, (), params["parallel"]) + converger.prune(params["prune_services"], params["keep"])
        unmet = plan_steps.unmet(
            converger.converge(required, [], (), params["parallel"]),
            [dataclass_spec.construct(RemoteDependency, item) for item in params["remote_dependencies"]],
        )
        releases = plan_steps.releases(engine, params["cloud"], containers)
        if params["broker_servers"] and any(item.service == "rabbitmq" for item in external):
            external_broker.check(engine, dataclass_spec.construct(BrokerServers, params["broker_servers"]), params["cloud"])
        shared = _shared(params, engine, state, outcomes)
        clusters = [members.report(engine, params["cloud"], spec, spec.cluster) for spec in containers if spec.cluster]
    except (EngineError, StateError, CatalogError, ExternalDatabaseError, ExternalBrokerError, ValueError) as error:
        return {"failed": True, "msg": str(error)}
    failed = [f"{item.kind} {item.name} of service {item.service}: {item.detail}" for item in outcomes if item.state == "failed"]
    limited = [dataclass_spec.construct(LimitedContainer, item) for item in params["limits"]]
    failed += unfit(limited, host_facts.own_memory(), limits.online()) if limited else []
    if failed or unmet:
        reasons = failed + [f"{error}; include that service too, or run without a selection" for error in unmet]
        lines = "\n".join(f"  - {reason}" for reason in reasons)
        what = "this run would leave the host incomplete" if unmet else "the definitions cannot be applied to this host"
        return {"failed": True, "msg": f"{what}; nothing was changed:\n{lines}"}
    # a member of a cluster that does not run, or is to become one, takes no turn: others may wait for it
    stopped = {report.container for report in clusters if not report.state.running or report.state.standalone}
    own = {spec.name: dataclasses.replace(spec, shared=spec.shared and spec.name not in stopped) for spec in containers}
    services = {name: spec.service for name, spec in own.items()}
    steps = [plan_steps.file_step(change, wanted, services) for change in changes]
    steps += [plan_steps.outcome_step(outcome, own.get(outcome.name), wanted.secrets) for outcome in outcomes if outcome.changed]
    if balancer := own.get(haproxy_admin.CONTAINER):
        drained = haproxy_admin.left_drained(engine.container(balancer.name))
        steps += [plan_steps.drained_step(backend, server, balancer.service) for backend, server in drained]
    return {
        "changed": check_mode and bool(steps or any(shared.values())),
        "steps": [dataclasses.asdict(step) for step in steps],
        "releases": releases,
        "unhealthy": [item.name for item in outcomes if item.state == "waiting"],
        "changes": shared,
        "diff": plan_steps.diff(root, changes, outcomes, wanted.secrets) + plan_steps.shared_diff(shared),
        "external": [f"{item.service} at {url_host(item.address)}:{item.port}" for item in external],
        "clusters": [dataclasses.asdict(report) for report in clusters],
        "alone": {item.name: item.others for item in outcomes if item.others},
        "leaving": [item.name for item in outcomes if item.leaves],
    }


def look(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Return the result of the module."""
    # a run whose controller was killed may still be at work on the host
    with lock.exclusive(pathlib.Path(DEFAULT_PATH).parent, make=False):
        return _observe(params, check_mode)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    result = look(module.params, module.check_mode)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
