# SPDX-License-Identifier: Apache-2.0
"""RabbitMQ outside of the cloud: on a network of its own, with TLS and without, as an operator would run it."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import time
import typing as t

import docker
import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import connect
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec
from ansible_collections.caisson.openstack.plugins.module_utils.registration import external_broker
from ansible_collections.caisson.openstack.plugins.module_utils.registration.external_broker import BrokerServers, ExternalBrokerError
from tests.tls import write_engine_certificates

from .conftest import Lab

NAME = "caisson-test-external-broker"
SUBNET, ADDRESS = "10.213.79.0/24", "10.213.79.10"
PASSWORD = "p'a\"s\\s; $(id) %s #`é?@:"
_CONFIG = """
listeners.tcp.1 = 0.0.0.0:5672
listeners.ssl.1 = 0.0.0.0:5671
ssl_options.cacertfile = /certificates/ca.pem
ssl_options.certfile = /certificates/server.pem
ssl_options.keyfile = /certificates/server-key.pem
ssl_options.verify = verify_none
load_definitions = /certificates/definitions.json
"""
_DEFINITIONS = {
    "vhosts": [{"name": "/"}, {"name": "north"}],
    "users": [{"name": name, "password": PASSWORD, "tags": []} for name in ("cloud", "modest", "elsewhere")],
    "permissions": [
        {"user": "cloud", "vhost": "north", "configure": ".*", "write": ".*", "read": ".*"},
        {"user": "modest", "vhost": "north", "configure": "", "write": ".*", "read": ".*"},
    ],
}


@dataclasses.dataclass(frozen=True)
class External:
    lab: Lab
    brokers: BrokerServers

    def check(self, **changes: t.Any) -> None:
        external_broker.check(self.lab.engine, dataclasses.replace(self.brokers, **changes), self.lab.cloud)

    def ctl(self, *command: str) -> str:
        result = self.lab.engine.exec(NAME, ["/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", *command])
        assert result.rc == 0, result.output
        return result.stdout

    def use(self, options: str) -> str:
        """Return what comes of a message of oslo.messaging with the URL and the options that a service has."""
        script = (
            "import sys, urllib.parse as u, oslo_messaging as m; from oslo_config import cfg\n"
            "ca, password, options, place = sys.stdin.read().split(chr(0))\n"
            "open('/tmp/ca.crt', 'w').write(ca)\n"
            "url = f'rabbit://cloud:{u.quote(password, safe=str())}@{place}/north'\n"
            "open('/tmp/c.conf', 'w').write('[DEFAULT]\\ntransport_url = ' + url + '\\n[oslo_messaging_rabbit]\\n' + options)\n"
            "conf = cfg.ConfigOpts(); conf(['--config-file', '/tmp/c.conf'])\n"
            "transport = m.get_notification_transport(conf)\n"
            "notifier = m.Notifier(transport, driver='messagingv2', topics=['check'], publisher_id='test', retry=1)\n"
            "notifier.error({}, 'test', {}); print('sent')\n"
        )
        image = self.lab.image("client")
        command = ["/opt/openstack/bin/python", "-c", script]
        spec = ContainerSpec(name="use", service="use", image=image, command=command, tmpfs=["/tmp:mode=1777"])
        stdin = "\0".join([self.brokers.ca_certificates, self.brokers.password, options, f"{ADDRESS}:{self.brokers.port}"]).encode()
        return self.lab.engine.run_once(spec, self.lab.engine.require_image(image), self.lab.cloud, stdin=stdin, timeout=60).output


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[External]:
    lab, client = Lab(connect()), docker.from_env()
    certificates = tmp_path_factory.mktemp("certificates")
    write_engine_certificates(certificates, ADDRESS)
    (certificates / "rabbitmq.conf").write_text(_CONFIG)
    (certificates / "definitions.json").write_text(json.dumps(_DEFINITIONS))
    for file in (certificates, *certificates.iterdir()):
        file.chmod(0o755)
    pool = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=SUBNET)])
    network = client.networks.create(NAME, ipam=pool)
    try:
        client.containers.run(
            lab.image("rabbitmq"),
            ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
            name=NAME,
            hostname="mq",
            detach=True,
            user="42439:42439",
            environment={"HOME": "/var/lib/rabbitmq", "RABBITMQ_CONFIG_FILE": "/certificates/rabbitmq.conf"},
            volumes={str(certificates): {"bind": "/certificates", "mode": "ro"}},
            tmpfs=dict.fromkeys(("/var/lib/rabbitmq", "/var/log/rabbitmq"), "uid=42439,gid=42439"),
            network=NAME,
            networking_config={NAME: client.api.create_endpoint_config(ipv4_address=ADDRESS)},
        )
        deadline = time.monotonic() + 180
        while lab.engine.exec(NAME, ["/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", "await_startup"]).rc:
            assert time.monotonic() < deadline, lab.engine.logs(NAME)
            time.sleep(1)
        certificate = (certificates / "ca.pem").read_text()
        yield External(lab, BrokerServers([ADDRESS], 5671, "cloud", PASSWORD, "north", lab.image("client"), certificate))
    finally:
        client.api.remove_container(NAME, force=True, v=True)
        network.remove()
        lab.clean()


def test_a_broker_with_and_without_tls_is_accepted_and_left_as_it_was(external: External) -> None:
    external.check()
    external.check(port=5672, ca_certificates="")
    assert external.ctl("list_queues", "-p", "north", "--no-table-headers", "name") == ""
    assert "caisson" not in external.ctl("list_exchanges", "-p", "north", "--no-table-headers", "name")


def test_services_use_it_with_tls(external: External) -> None:
    options = "rabbit_quorum_queue = true\nssl = true\nssl_ca_file = /tmp/ca.crt\n"
    assert external.use(options).rstrip().endswith("sent")
    assert "check.error" in external.ctl("list_queues", "-p", "north", "--no-table-headers", "name")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "not " + PASSWORD}, "Check rabbitmq_external_user, rabbitmq_external_password"),
        ({"user": "elsewhere"}, "Check rabbitmq_external_user, rabbitmq_external_password and rabbitmq_external_vhost"),
        ({"password": "a/b"}, "has a slash"),
        ({"vhost": "south"}, "rabbitmq_external_vhost"),
        ({"user": "modest"}, "rabbitmqctl set_permissions"),
        ({"port": 5699}, "Check rabbitmq_external_hosts"),
        ({"hosts": [ADDRESS, "10.213.79.99"]}, "10.213.79.99:5671: "),
        ({"ca_certificates": ""}, "Check rabbitmq_external_hosts"),
        ({"ca_certificates": "other"}, "certificate verify failed"),
    ],
)
def test_one_that_cannot_be_used_is_refused_with_the_reason(
    external: External, changes: dict[str, t.Any], said: str, tmp_path: pathlib.Path
) -> None:
    if changes.get("ca_certificates") == "other":
        write_engine_certificates(tmp_path)
        changes = {"ca_certificates": (tmp_path / "ca.pem").read_text()}
    with pytest.raises(ExternalBrokerError, match=r"nothing was changed|has a slash") as caught:
        external.check(**changes)
    assert said in str(caught.value)
    assert PASSWORD not in str(caught.value)
