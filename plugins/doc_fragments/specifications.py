# SPDX-License-Identifier: Apache-2.0
"""Options of every module that takes containers and jobs of a host."""

from __future__ import annotations

import textwrap
import typing as t

_CONTAINER = r"""
name: {description: Name of the container., type: str, required: true}
service: {description: Service that the container belongs to., type: str, required: true}
image: {description: Reference of an image that is on the host., type: str, required: true}
command: {description: Command and its arguments., type: list, elements: str, required: true}
user: {description: Numeric user and group., type: str, default: '0:0'}
env: {description: Environment; never secrets., type: dict, default: {}}
volumes: {description: 'Mounts as C(source:target[:options]).', type: list, elements: str, default: []}
tmpfs: {description: 'Mounts in memory as C(target[:options]).', type: list, elements: str, default: []}
capabilities: {description: Capabilities added to none., type: list, elements: str, default: []}
read_only: {description: Whether the root file system is read-only., type: bool, default: true}
no_new_privileges: {description: Whether processes can never gain privileges., type: bool, default: true}
security_opts: {description: Further security options., type: list, elements: str, default: []}
devices: {description: Devices of the host., type: list, elements: str, default: []}
pid_mode: {description: PID namespace., type: str, default: ''}
cgroupns_mode: {description: Control group namespace., type: str, default: ''}
ulimits: {description: Limits by name., type: dict, default: {}}
memory: {description: 'Memory limit, such as V(512m). A running container is updated.', type: str, default: ''}
cpuset_cpus: {description: 'Processors it may use, such as V(0-3,8); all if empty. A running container is updated.', type: str, default: ''}
cpu_shares: {description: Its share of busy processors; 0 is the usual 1024. A running container is updated., type: int, default: 0}
healthcheck:
  description: Command that asks the service for work.
  type: dict
  suboptions:
    test: {description: Command with V(CMD) or V(CMD-SHELL) first., type: list, elements: str, required: true}
    interval: {description: Seconds between two checks., type: int, default: 30}
    timeout: {description: Seconds that a check may take., type: int, default: 10}
    retries: {description: Failures until the container is unhealthy., type: int, default: 3}
    start_period: {description: Seconds in which failures do not count., type: int, default: 180}
reload_signal: {description: Signal on which the process reads its configuration again., type: str, default: SIGHUP}
unpin_signal: {description: Signal that makes it query the versions of the others again., type: str, default: ''}
stop_timeout: {description: Seconds between the stop signal and the kill., type: int, default: 30}
start_timeout: {description: Seconds in which the container must become healthy., type: int, default: 180}
after: {description: Containers and jobs of the same call that come first., type: list, elements: str, default: []}
protected_processes:
  description: Name prefixes of processes that must outlive the container; it is not replaced if it would kill them.
  type: list
  elements: str
  default: []
impact: {description: What users notice while the container is replaced., type: str, default: ''}
stop_check:
  description: Command that must succeed in the running container before it is stopped for a change.
  type: dict
  suboptions: &command
    command: {description: Command and its arguments., type: list, elements: str, required: true}
    timeout: {description: Seconds that it may take., type: int, default: 60}
drain:
  description: Command by which the running container hands its work over before it is stopped for a change.
  type: dict
  suboptions: *command
ready:
  description: Command that succeeds in the healthy container once it does its full share.
  type: dict
  suboptions:
    command: {description: Command and its arguments., type: list, elements: str, required: true}
    timeout: {description: 'Seconds that it has for that, on top of C(start_timeout).', type: int, default: 120}
    interval: {description: Seconds between two tries., type: int, default: 2}
cluster:
  description: How the container is a member of a cluster.
  type: dict
  suboptions:
    facts:
      description: Command that prints what a member knows of itself as JSON.
      type: dict
      required: true
      suboptions: *command
    seed: {description: Command before the start of the member that founds the cluster., type: dict, suboptions: *command}
    join: {description: Command before the start of a member without data., type: dict, suboptions: *command}
    recover: {description: Command before the start of the member with the newest data., type: dict, suboptions: *command}
    leave:
      description: >-
        Command that prints the addresses of other members that run. It must print none before a container without a cluster takes the
        place of the member.
      type: dict
      suboptions: *command
    name: {description: Name of the cluster; that of the container if it is empty., type: str, default: ''}
    lost_hosts: {description: Hosts whose data are given up., type: list, elements: str, default: []}
members: {description: Addresses of all hosts of the cluster., type: dict, default: {}}
config_digest: {description: Digest of the files whose change restarts the container., type: str, default: ''}
reload_digest: {description: Digest of the files whose change reloads the container., type: str, default: ''}
stage: {description: Stage of its service., type: str, default: ''}
tier: {description: Tier in which a rollout comes to it., type: str, default: ''}
shared: {description: Whether more than one host has it. Such a container is replaced host by host., type: bool, default: false}
"""

_JOBS = r"""
jobs:
  description: Specifications of jobs, as the model makes them.
  type: list
  elements: dict
  default: []
  suboptions:
    name: {description: Name of the job., type: str, required: true}
    service: {description: Service that the job belongs to., type: str, required: true}
    container:
      description: Specification of the one-shot container.
      type: dict
      required: true
      suboptions: &container@CONTAINER@
    schema: {description: Schema of which the job applies migrations., type: str, default: ''}
    place: {description: Container in whose place the job runs., type: str, default: ''}
    stdin: {description: Text for the standard input of the job; the place for secrets., type: str, default: ''}
    database: {description: Database whose new creation makes the job run again., type: str, default: ''}
    triggers: {description: Values whose change makes the job run again., type: list, elements: str, default: []}
    ok_codes: {description: Exit codes of success., type: list, elements: int, default: [0]}
    retries: {description: Further tries after a failure., type: int, default: 0}
    delay: {description: Seconds between two tries., type: int, default: 2}
    timeout: {description: Seconds that one try may take., type: int, default: 300}
    after: {description: Containers and jobs of the same call that come first., type: list, elements: str, default: []}
"""


class ModuleDocFragment:
    """Documentation shared by modules: containers and jobs, or jobs only."""

    # annotated, because the sanity test "yamllint" expects a literal in each plain assignment
    JOBS: t.ClassVar[str] = "options:" + textwrap.indent(_JOBS.replace("@CONTAINER@", textwrap.indent(_CONTAINER, " " * 8)), "  ")

    DOCUMENTATION: t.ClassVar[str] = (
        JOBS
        + """
  containers:
    description: Specifications of long-running containers, as the model makes them.
    type: list
    elements: dict
    default: []
    suboptions: *container
"""
    )
