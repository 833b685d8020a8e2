# SPDX-License-Identifier: Apache-2.0
"""Brokers that somebody else runs: whether they can serve a cloud. Pure, but for :func:`check`."""

from __future__ import annotations

import dataclasses
import typing as t
import uuid

from ansible_collections.caisson.openstack.plugins.module_utils.common.urls import url_host
from ansible_collections.caisson.openstack.plugins.module_utils.engine import scripts
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from ansible_collections.caisson.openstack.plugins.module_utils.registration import external_amqp

#: The oldest release with quorum queues as services use them, for short-lived ones as well.
OLDEST = (3, 12)
_REMEDIES = {
    "connect": "Check rabbitmq_external_hosts, rabbitmq_external_port, the firewall, and, with TLS, rabbitmq_external_ca_file",
    "login": "Check rabbitmq_external_user, rabbitmq_external_password and rabbitmq_external_vhost, and what the user may use",
    "use": "Give the user all permissions in the virtual host: rabbitmqctl set_permissions -p VHOST USER '.*' '.*' '.*'",
}


class ExternalBrokerError(Exception):
    """The brokers cannot be used; the message says why, and what to do. No message holds a password."""


@dataclasses.dataclass
class BrokerServers:
    """Where the members of one cluster listen, the account of the services, and the image with which they are tried."""

    hosts: list[str]
    port: int
    user: str
    password: str = dataclasses.field(metadata={"no_log": True})
    vhost: str
    image: str
    ca_certificates: str = ""


def check(engine: Engine, brokers: BrokerServers, cloud: str) -> None:
    """Try all brokers, in one container. Parameters go in by standard input.

    Raises:
        ExternalBrokerError: if one does not answer, refuses the account, or cannot serve a cloud.
    """
    if "/" in brokers.password:
        # oslo.messaging writes it into a URL as it is
        raise ExternalBrokerError("rabbitmq_external_password has a slash, with which services cannot log in; give the user another one")
    parameters = {**dataclasses.asdict(brokers), "queue": f"caisson-check-{uuid.uuid4().hex}"}
    try:
        answer = scripts.ask(engine, brokers.image, cloud, "external_broker", external_amqp, parameters)
    except scripts.ScriptError as error:
        raise ExternalBrokerError(f"the external brokers could not be asked: {error}") from None
    errors = problems(answer["brokers"], brokers.port)
    if errors:
        lines = "\n".join(f"  - {error}" for error in errors)
        raise ExternalBrokerError(f"the external broker cannot be used; nothing was changed:\n{lines}")


def problems(answers: t.Sequence[t.Mapping[str, str]], port: int) -> list[str]:
    """Return why brokers that gave these *answers* cannot be used, each with what to do about it."""
    errors = [
        f"{url_host(item['host'])}:{port}: {error}"
        for item in answers
        if (error := f"{item['error']}. {_REMEDIES[item['where']]}" if item["where"] else _version(item))
    ]
    clusters = {item["cluster"]: item["host"] for item in answers if not item["where"]}
    if len(clusters) > 1:
        members = ", ".join(f"{host} of {name}" for name, host in sorted(clusters.items()))
        errors.append(f"they are not members of one cluster: {members}. Name the members of one cluster in rabbitmq_external_hosts")
    return errors


def _version(answer: t.Mapping[str, str]) -> str:
    parts = answer["version"].split(".")
    if answer["product"] != "RabbitMQ":
        return f"it is {answer['product'] or 'an unknown broker'}, but only RabbitMQ is supported"
    if not all(part.isdigit() for part in parts[:2]) or tuple(map(int, parts[:2])) < OLDEST:
        return f"it is RabbitMQ {answer['version']}, but {'.'.join(map(str, OLDEST))} or newer is needed: upgrade it"
    return ""
