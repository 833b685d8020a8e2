# SPDX-License-Identifier: Apache-2.0
"""Prometheus, its rules and its exporters: the real images, configuration and options, beside containers of the test."""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
import re
import subprocess
import time
import typing as t
import urllib.parse
import urllib.request

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.engine import metrics as container_metrics
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Database
from ansible_collections.caisson.openstack.plugins.module_utils.registration import databases
from ansible_collections.caisson.openstack.plugins.module_utils.registration.databases import ask
from tests.unit.roles.test_definitions import hosts

from . import defined
from .conftest import Lab, MariaDB
from .test_images import reference

#: Where these tests have the host: a cloud may run beside them.
HERE = "127.0.42.1"
#: Values of a series, minute by minute, for a day.
STEADY = "x1440"


@dataclasses.dataclass(frozen=True)
class Case:
    """An alert: series that make it fire, and others that are well; the labels that it has beside its severity; its summary."""

    alert: str
    severity: str
    bad: dict[str, str]
    good: dict[str, str]
    labels: dict[str, str]
    summary: str
    #: When it does not fire yet, and when it does.
    early: str = "0m"
    late: str = "30m"


def constant(value: float) -> str:
    return f"{value}+0{STEADY}"


def growing(start: float, step: float) -> str:
    return f"{start}{step:+}{STEADY}"


ONE, ZERO = constant(1), constant(0)
#: Minutes with a value, and minutes without.
THREE, NONE = ["1"] * 3, ["stale"] * 3


def _backend(proxy: str, balancer: str = "a", **servers: str) -> dict[str, str]:
    """Return what a load balancer says of the servers of a backend: 1 of the state that each is in, 0 of all others."""
    return {
        f'haproxy_server_status{{host="{balancer}",proxy="{proxy}",server="{server}",state="{state}"}}': ONE if state == own else ZERO
        for server, own in servers.items()
        for state in ("DOWN", "UP", "MAINT", "DRAIN", "NOLB")
    }


CASES = [
    Case(
        "HostDown",
        "critical",
        {'up{host="bad",job="node"}': ZERO, 'up{host="bad",job="process"}': ZERO},
        {'up{host="good",job="node"}': ZERO, 'up{host="good",job="process"}': ONE, 'up{job="api"}': ZERO},
        {"host": "bad"},
        "Host bad does not answer",
        early="1m",
    ),
    Case(
        "FilesystemFull",
        "critical",
        {
            'node_filesystem_avail_bytes{host="bad",device="/dev/a",mountpoint="/usr"}': constant(4),
            'node_filesystem_size_bytes{host="bad",device="/dev/a",mountpoint="/usr"}': constant(100),
            'node_filesystem_avail_bytes{host="bad",device="/dev/a",mountpoint="/var/log"}': constant(4),
            'node_filesystem_size_bytes{host="bad",device="/dev/a",mountpoint="/var/log"}': constant(100),
        },
        {
            'node_filesystem_avail_bytes{host="bad",device="/dev/b",mountpoint="/opt"}': constant(6),
            'node_filesystem_size_bytes{host="bad",device="/dev/b",mountpoint="/opt"}': constant(100),
        },
        {"host": "bad", "device": "/dev/a"},
        "Host bad: 4% of /dev/a is free",
        early="4m",
    ),
    Case(
        "FilesystemFillsUp",
        "warning",
        {
            'node_filesystem_avail_bytes{host="bad",device="/dev/a"}': growing(3000, -2),
            'node_filesystem_size_bytes{host="bad",device="/dev/a"}': constant(8000),
        },
        {
            # it fills too, but there is much left
            'node_filesystem_avail_bytes{host="roomy",device="/dev/a"}': growing(3000, -2),
            'node_filesystem_size_bytes{host="roomy",device="/dev/a"}': constant(4000),
            # not within a day
            'node_filesystem_avail_bytes{host="slow",device="/dev/a"}': growing(3000, -1),
            'node_filesystem_size_bytes{host="slow",device="/dev/a"}': constant(8000),
        },
        {"host": "bad", "device": "/dev/a"},
        "Host bad: /dev/a will be full within a day",
        early="30m",
        late="3h",
    ),
    Case(
        "MemoryExhausted",
        "critical",
        {'node_memory_MemAvailable_bytes{host="bad"}': constant(4), 'node_memory_MemTotal_bytes{host="bad"}': constant(100)},
        {'node_memory_MemAvailable_bytes{host="good"}': constant(6), 'node_memory_MemTotal_bytes{host="good"}': constant(100)},
        {"host": "bad"},
        "Host bad: 4% of the memory is available",
        early="4m",
    ),
    Case(
        "ProcessKilledForMemory",
        "warning",
        {'node_vmstat_oom_kill{host="bad"}': "3+0x9 4+0x1440"},
        {'node_vmstat_oom_kill{host="good"}': constant(3)},
        {"host": "bad"},
        "Host bad: the kernel killed a process because the host or a container was out of memory",
        early="9m",
        late="15m",
    ),
    Case(
        "ClockNotSynchronized",
        "warning",
        {'node_timex_sync_status{host="bad"}': ZERO},
        {'node_timex_sync_status{host="good"}': ONE},
        {"host": "bad"},
        "Host bad: nothing keeps the clock right",
        early="14m",
    ),
    Case(
        "ClockSkew",
        "critical",
        {'node_time_seconds{host="bad"}': growing(3, 60)},
        # the time of the tests begins with 0
        {'node_time_seconds{host="good"}': growing(1, 60)},
        {"host": "bad"},
        "Host bad: its clock differs by 3s from that of the monitoring host",
        early="4m",
    ),
    Case(
        "ContainerDown",
        "critical",
        {'caisson_container_info{host="h",id="1",name="nova_api",service="nova"}': ONE, 'up{host="h",job="process"}': ONE},
        {
            'caisson_container_info{host="h",id="2",name="nova_conductor",service="nova"}': ONE,
            'namedprocess_namegroup_num_procs{host="h",id="2",groupname="a"}': ONE,
            'namedprocess_namegroup_num_procs{host="h",id="2",groupname="b"}': ZERO,
            # a process of the same id elsewhere is another's
            'namedprocess_namegroup_num_procs{host="other",id="1",groupname="a"}': ONE,
            # nothing is known of the processes of this host
            'caisson_container_info{host="blind",id="3",name="glance_api",service="glance"}': ONE,
            'up{host="blind",job="process"}': ZERO,
        },
        {"host": "h", "id": "1", "name": "nova_api", "service": "nova"},
        "Host h: container nova_api of service nova does not run",
        early="1m",
    ),
    Case(
        "ApiDown",
        "critical",
        {'probe_success{service="nova_api",instance="https://a:8774/"}': ZERO},
        {
            'probe_success{service="glance_api",instance="https://a:9292/healthcheck"}': ONE,
            'probe_success{balancer="a",job="loadbalancer",instance="http://a:18404/ready"}': ZERO,
        },
        {"service": "nova_api", "instance": "https://a:8774/"},
        "nova_api does not answer at https://a:8774/",
        early="1m",
    ),
    Case(
        "ApiErrors",
        "critical",
        {
            'haproxy_frontend_http_responses_total{proxy="nova_api",code="5xx"}': growing(0, 60),
            'haproxy_frontend_http_responses_total{proxy="nova_api",code="2xx"}': growing(0, 540),
        },
        {
            # a smaller part
            'haproxy_frontend_http_responses_total{proxy="glance_api",code="5xx"}': growing(0, 60),
            'haproxy_frontend_http_responses_total{proxy="glance_api",code="2xx"}': growing(0, 5400),
            # an API that hardly anybody asks
            'haproxy_frontend_http_responses_total{proxy="horizon",code="5xx"}': growing(0, 3),
            'haproxy_frontend_http_responses_total{proxy="horizon",code="2xx"}': growing(0, 3),
        },
        {"proxy": "nova_api"},
        "10% of the answers of nova_api are errors (5xx)",
        early="5m",
    ),
    Case(
        "ApiWithoutBackend",
        "critical",
        {'haproxy_backend_active_servers{host="h",proxy="nova_api"}': ZERO},
        {'haproxy_backend_active_servers{host="h",proxy="glance_api"}': ONE},
        {"host": "h", "proxy": "nova_api"},
        "The load balancer of host h finds no host that serves nova_api",
    ),
    Case(
        "ApiBackendDown",
        "warning",
        {
            **_backend("nova_api", control1="UP", control2="DOWN", control3="UP"),
            **_backend("nova_api", balancer="b", control1="UP", control2="UP", control3="UP"),
        },
        {
            # it is drained, as by a run
            **_backend("glance_api", control1="UP", control2="DRAIN"),
            # it is the only one
            **_backend("horizon", control1="DOWN"),
            # its host is down
            **_backend("keystone_api", control1="UP", off="DOWN"),
            'up{host="off",job="node"}': ZERO,
            'up{host="control2",job="node"}': ONE,
        },
        {"proxy": "nova_api", "server": "control2"},
        "Host control2 does not serve nova_api; others do",
        early="4m",
    ),
    Case(
        "CertificateExpires",
        "warning",
        {'probe_ssl_earliest_cert_expiry{service="nova_api",instance="https://a:8774/"}': constant(13 * 86400 + 7200)},
        {'probe_ssl_earliest_cert_expiry{service="glance_api",instance="https://a:9292/"}': constant(15 * 86400)},
        {"service": "nova_api", "instance": "https://a:8774/"},
        "The certificate of nova_api at https://a:8774/ ends in 13d 0h 0m 0s",
        early="59m",
        late="2h",
    ),
    Case(
        "ApiAddressMissing",
        "critical",
        {
            'caisson_container_info{host="a",name="keepalived"}': ONE,
            'caisson_container_info{host="b",name="keepalived"}': ONE,
            'up{host="a",job="node"}': ONE,
            'up{host="a",job="haproxy"}': ONE,
            # the exporter of a host that cannot have it
            'up{host="compute",job="node"}': ZERO,
        },
        {},
        {},
        "Only 0 of these addresses of the APIs are on a host: 127.0.9.1. Nobody reaches the APIs at the others",
        early="0m",
    ),
    Case(
        "ApiAddressOnSeveralHosts",
        "critical",
        {
            'caisson_api_address{host="a",address="10.0.0.1",device="eth0"}': ONE,
            'caisson_api_address{host="b",address="10.0.0.1",device="eth0"}': ONE,
        },
        {'caisson_api_address{host="a",address="10.0.0.2",device="eth0"}': ONE},
        {"address": "10.0.0.1"},
        "2 hosts have the address 10.0.0.1 of the APIs at the same time",
    ),
    Case(
        "ApiAddressMovesOften",
        "warning",
        {
            'caisson_container_info{host="a",name="keepalived"}': ONE,
            'caisson_container_info{host="b",name="keepalived"}': ONE,
            # it goes to the other host and comes back, each after three minutes
            'caisson_api_address{host="a",address="10.0.0.1",device="eth0"}': " ".join((THREE + NONE) * 5),
            'caisson_api_address{host="b",address="10.0.0.1",device="eth0"}': " ".join((NONE + THREE) * 5),
        },
        {},
        {},
        "The address of the APIs moved 9 times within half an hour",
    ),
    Case(
        "LoadBalancerNotReady",
        "warning",
        {'probe_success{balancer="bad",job="loadbalancer",instance="http://bad:18404/ready"}': ZERO},
        {
            'probe_success{balancer="good",job="loadbalancer",instance="http://good:18404/ready"}': ONE,
            'probe_success{balancer="off",job="loadbalancer",instance="http://off:18404/ready"}': ZERO,
            'up{host="off",job="node"}': ZERO,
        },
        {"balancer": "bad", "job": "loadbalancer", "instance": "http://bad:18404/ready"},
        "Host bad cannot take the address of the APIs: its load balancer is not ready",
        early="4m",
    ),
    Case(
        "MariaDBDown",
        "critical",
        {'mysql_up{host="bad"}': ZERO},
        {'mysql_up{host="good"}': ONE},
        {"host": "bad"},
        "MariaDB on host bad does not answer",
    ),
    Case(
        "MariaDBConnectionsExhausted",
        "warning",
        {
            'mysql_global_status_threads_connected{host="bad"}': constant(90),
            'mysql_global_variables_max_connections{host="bad"}': constant(100),
        },
        {
            'mysql_global_status_threads_connected{host="good"}': constant(80),
            'mysql_global_variables_max_connections{host="good"}': constant(100),
        },
        {"host": "bad"},
        "MariaDB on host bad: 90% of the connections are in use",
        early="4m",
    ),
    Case(
        "MariaDBClusterIncomplete",
        "critical",
        {
            'mysql_global_status_wsrep_cluster_size{host="a"}': constant(2),
            'up{host="a",job="mariadb"}': ONE,
            'up{host="b",job="mariadb"}': ZERO,
            'up{host="c",job="mariadb"}': ONE,
        },
        # it has found all
        {'mysql_global_status_wsrep_cluster_size{host="c"}': constant(3)},
        {"host": "a"},
        "The cluster of MariaDB has 2 members as host a sees it; there should be more",
        early="4m",
    ),
    Case(
        "MariaDBNotSynced",
        "warning",
        {'mysql_global_status_wsrep_local_state{host="a"}': constant(2), 'up{host="a",job="mariadb"}': ONE},
        {'mysql_global_status_wsrep_local_state{host="b"}': constant(4), 'up{host="b",job="mariadb"}': ONE},
        {"host": "a"},
        "MariaDB on host a is not in sync with its cluster",
        early="4m",
    ),
    Case(
        "MariaDBFlowControl",
        "warning",
        {'mysql_global_status_wsrep_flow_control_paused_ns{host="bad"}': growing(0, 12_000_000_000)},
        {'mysql_global_status_wsrep_flow_control_paused_ns{host="good"}': growing(0, 3_000_000_000)},
        {"host": "bad"},
        "MariaDB on host bad: changes wait 20% of the time for a slow member",
        early="10m",
    ),
    Case(
        "RabbitMQDown",
        "critical",
        {'up{host="bad",job="rabbitmq"}': ZERO, 'up{host="bad",job="node"}': ONE},
        # of a host that is down one alert is enough
        {'up{host="good",job="rabbitmq"}': ONE, 'up{host="off",job="rabbitmq"}': ZERO},
        {"host": "bad", "job": "rabbitmq"},
        "RabbitMQ on host bad does not answer",
        early="1m",
    ),
    Case(
        "RabbitMQMemberUnreachable",
        "critical",
        {'rabbitmq_unreachable_cluster_peers_count{host="bad"}': ONE},
        {'rabbitmq_unreachable_cluster_peers_count{host="good"}': ZERO},
        {"host": "bad"},
        "RabbitMQ on host bad has no contact with 1 members of its cluster",
        early="1m",
    ),
    Case(
        "RabbitMQSeveralClusters",
        "critical",
        {
            'rabbitmq_identity_info{host="a",job="rabbitmq",rabbitmq_cluster_permanent_id="one"}': ONE,
            'rabbitmq_identity_info{host="b",job="rabbitmq",rabbitmq_cluster_permanent_id="one"}': ONE,
            'rabbitmq_identity_info{host="c",job="rabbitmq",rabbitmq_cluster_permanent_id="other"}': ONE,
        },
        # the job that reads the queues has the same one again
        {'rabbitmq_identity_info{host="a",job="rabbitmq_queues",rabbitmq_cluster_permanent_id="third"}': ONE},
        {},
        "The brokers belong to 2 clusters instead of one",
        early="1m",
    ),
    Case(
        "RabbitMQMemoryAlarm",
        "critical",
        {'rabbitmq_alarms_memory_used_watermark{host="bad"}': ONE},
        {'rabbitmq_alarms_memory_used_watermark{host="good"}': ZERO},
        {"host": "bad"},
        "RabbitMQ on host bad has used its memory and takes no messages",
    ),
    Case(
        "RabbitMQDiskAlarm",
        "critical",
        {'rabbitmq_alarms_free_disk_space_watermark{host="bad"}': ONE},
        {'rabbitmq_alarms_free_disk_space_watermark{host="good"}': ZERO},
        {"host": "bad"},
        "RabbitMQ on host bad has too little disk and takes no messages",
    ),
    Case(
        "RabbitMQQueueGrows",
        "warning",
        {
            'rabbitmq_detailed_queue_messages{host="h",vhost="/",queue="lost"}': growing(120, 1),
            'rabbitmq_detailed_queue_consumers{host="h",vhost="/",queue="lost"}': ZERO,
        },
        {
            # somebody reads it
            'rabbitmq_detailed_queue_messages{host="h",vhost="/",queue="read"}': growing(120, 1),
            'rabbitmq_detailed_queue_consumers{host="h",vhost="/",queue="read"}': ONE,
            # it was left behind and does not grow
            'rabbitmq_detailed_queue_messages{host="h",vhost="/",queue="old"}': constant(120),
            'rabbitmq_detailed_queue_consumers{host="h",vhost="/",queue="old"}': ZERO,
            # it is small
            'rabbitmq_detailed_queue_messages{host="h",vhost="/",queue="new"}': growing(0, 1),
            'rabbitmq_detailed_queue_consumers{host="h",vhost="/",queue="new"}': ZERO,
        },
        {"host": "h", "vhost": "/", "queue": "lost"},
        "RabbitMQ on host h: 150 messages in lost, which nobody reads",
        early="10m",
    ),
    Case(
        "LibvirtDown",
        "critical",
        {'libvirt_up{host="bad"}': ZERO},
        {'libvirt_up{host="good"}': ONE},
        {"host": "bad"},
        "libvirt on host bad does not answer",
        early="1m",
    ),
    Case(
        "ExporterDown",
        "warning",
        {'up{host="bad",job="mariadb"}': ZERO, 'up{host="bad",job="node"}': ONE},
        # RabbitMQ has an alert of its own, and so has a host that is down
        {'up{host="bad",job="rabbitmq"}': ZERO, 'up{host="bad",job="rabbitmq_queues"}': ZERO, 'up{host="off",job="node"}': ZERO},
        {"host": "bad", "job": "mariadb"},
        "Host bad: metrics of mariadb are missing",
        early="4m",
    ),
]


def rules() -> dict[str, t.Any]:
    return yaml.safe_load(defined.configuration("prometheus")["rules.yml"])


def alerts(document: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    return {rule["alert"]: rule for group in document["groups"] for rule in group["rules"]}


def unit_test(case: Case, file: str) -> dict[str, t.Any]:
    """Return the input of ``promtool test rules`` that holds the rules in *file* against *case*."""
    fired = {
        "exp_labels": {"severity": case.severity, **case.labels},
        "exp_annotations": {"summary": case.summary, "runbook": f"docs/operate.md#{case.alert.lower()}"},
    }
    expected = [(case.early, []), (case.late, [fired])]
    return {
        "rule_files": [file],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": values} for series, values in {**case.bad, **case.good}.items()],
                "alert_rule_test": [{"eval_time": at, "alertname": case.alert, "exp_alerts": found} for at, found in expected],
            }
        ],
    }


def promtool(directory: pathlib.Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in the image of Prometheus, in *directory*."""
    options = [
        "--rm",
        "--network=none",
        "--read-only",
        "--cap-drop=ALL",
        "--user=0:0",
        "--tmpfs=/tmp",
        f"--volume={directory}:/etc/prometheus:ro",
    ]
    command = ["docker", "run", *options, "--workdir=/etc/prometheus", reference("prometheus"), "sh", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("inventory", ["aio", "multinode", "region"])
def test_prometheus_accepts_its_configuration(tmp_path: pathlib.Path, inventory: str) -> None:
    (host,) = (host for name, host in hosts(inventory, "2026.1").items() if name in ("aio", "control1"))
    prefix = "prometheus/config/"
    files = {file["path"].removeprefix(prefix): file["content"] for file in host["files"] if file["path"].startswith(prefix)}
    defined.write(tmp_path, files)
    done = promtool(
        tmp_path, "promtool check config --lint=all --lint-fatal prometheus.yml && promtool check rules --lint=all --lint-fatal rules.yml"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(CASES)} rules found" in done.stdout


def test_every_alert_has_its_case_and_its_section() -> None:
    found = alerts(rules())
    assert [case.alert for case in CASES] == list(found)
    text = (pathlib.Path(__file__).parents[2] / "docs" / "operate.md").read_text("utf-8")
    sections = re.findall(r"^#### (\w+)$", text, re.MULTILINE)
    assert sections == list(found)


def test_the_alerts_of_a_region_do_not_fire_on_one_host(tmp_path: pathlib.Path) -> None:
    """Nothing is missing there: a server that is alone has no cluster, or is all of it."""
    series = {
        **_backend("nova_api", aio="DOWN"),
        'up{host="aio",job="mariadb"}': ONE,
        'mysql_global_status_wsrep_cluster_size{host="aio"}': ZERO,
        'mysql_global_status_wsrep_local_state{host="aio"}': ZERO,
        'mysql_global_status_wsrep_flow_control_paused_ns{host="aio"}': ZERO,
        'node_time_seconds{host="aio"}': growing(0, 60),
    }
    names = ["ApiBackendDown", "MariaDBClusterIncomplete", "MariaDBNotSynced", "MariaDBFlowControl", "ClockSkew"]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": "1h", "alertname": name, "exp_alerts": []} for name in names],
    }
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    defined.write(tmp_path, {"rules.yml": yaml.safe_dump(rules()), "one.test": json.dumps(document)})
    done = promtool(tmp_path, "promtool test rules one.test")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_when_it_should_and_not_otherwise(tmp_path: pathlib.Path) -> None:
    defined.write(tmp_path, {"rules.yml": yaml.safe_dump(rules())})
    defined.write(tmp_path, {f"{case.alert}.test": json.dumps(unit_test(case, "rules.yml")) for case in CASES})
    done = promtool(tmp_path, "promtool test rules *.test")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_cases_notice_a_rule_that_never_or_always_fires(tmp_path: pathlib.Path) -> None:
    for case in CASES:
        for word, expression in {"never": "vector(1) > 1", "always": "{__name__=~'.+'}"}.items():
            document = rules()
            alerts(document)[case.alert]["expr"] = expression
            name = f"{case.alert}-{word}"
            defined.write(tmp_path, {f"{name}.yml": yaml.safe_dump(document), f"{name}.test": json.dumps(unit_test(case, f"{name}.yml"))})
    done = promtool(tmp_path, 'for test in *.test; do if promtool test rules "$test" >/dev/null 2>&1; then echo "$test"; fi; done')
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


# -- exporters --------------------------------------------------------------------------------------------------


class Stack:
    """Containers of the definitions on an address of the tests, with files of the tests in the place of the host's."""

    def __init__(self, lab: Lab, directory: pathlib.Path) -> None:
        self.lab, self.directory = lab, directory
        directory.chmod(0o755)
        self.metrics = directory / "metrics" / "containers.prom"
        self.metrics.parent.mkdir()

    def start(self, name: str, replace: dict[str, str]) -> None:
        """Start a container; *replace* in its files what is not the same here."""
        places = {"/var/lib/caisson/metrics": str(self.metrics.parent)}
        tmpfs = ["/var/lib/prometheus:uid=42472,gid=42472"] if name == "prometheus" else []
        words = {defined.AIO: HERE, **replace}
        files = {path: defined.replaced(text, words) for path, text in defined.configuration(name, keepalived_enabled=True).items()}
        defined.start(self.lab, self.directory, name, HERE, files, places, tmpfs, keepalived_enabled=True)
        container_metrics.write(self.lab.engine, self.lab.cloud, self.metrics)


def ask_prometheus(expression: str) -> list[dict[str, str]]:
    """Return the labels of what an expression finds."""
    url = f"http://{HERE}:9090/api/v1/query?query={urllib.parse.quote(expression)}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return [row["metric"] for row in json.load(answer)["data"]["result"]]


def wait(what: str, done: t.Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if done():
                return
        except OSError:  # it does not listen yet
            pass
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


@pytest.fixture
def stack(lab: Lab, tmp_path: pathlib.Path, mariadb: MariaDB) -> Stack:
    """Prometheus and those exporters that need no cloud, and a MariaDB with the account of the definitions."""
    made = Stack(lab, tmp_path)
    login = re.search(r"(?s)user = (\S+).*\nsecret = `(\S+)`", defined.configuration("mysqld_exporter", keepalived_enabled=True)["my.cnf"])
    assert login
    account = Database("monitoring", login[1], login[2], privileges=["USAGE"])
    current = databases.parse(ask(lab.engine, mariadb.container, databases.query([account])))
    ask(lab.engine, mariadb.container, databases.script(databases.plan([account], current)))
    made.start("node_exporter", {})
    made.start("process_exporter", {})
    made.start("mysqld_exporter", {f"host = {HERE}": "host = 127.0.0.1", "port = 13306": f"port = {mariadb.port}"})
    made.start("blackbox_exporter", {"fail_if_not_ssl: true": "fail_if_not_ssl: false", "ca_file: /etc/caisson/ca.crt": "{}"})
    intervals = {f"{name}_interval: 30s": f"{name}_interval: 1s" for name in ("scrape", "evaluation")}
    # the address that moves is one of this machine
    made.start("prometheus", {**intervals, re.escape(defined.AIO): re.escape("127.0.0.1")})
    return made


def test_exporters_without_a_privilege_tell_what_the_rules_ask(stack: Stack) -> None:
    wait("all targets are up", lambda: len(ask_prometheus('up{job=~"node|process|mariadb|blackbox|prometheus"} == 1')) == 5)
    for expression in (
        "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes > 0",
        'node_filesystem_avail_bytes{mountpoint="/usr"} / node_filesystem_size_bytes > 0',
        "node_timex_sync_status",
        "mysql_up == 1",
        "mysql_global_status_threads_connected / mysql_global_variables_max_connections > 0",
        'probe_success{service="nova_api"}',
        'caisson_api_address{host="aio", address="127.0.0.1"}',
        # there is no load balancer
        'probe_success{job="loadbalancer", balancer="aio", host=""} == 0',
    ):
        wait(expression, functools.partial(ask_prometheus, expression))
    # other addresses, and processes of the host itself, are left out
    assert not ask_prometheus("node_network_address_info")
    assert not ask_prometheus('namedprocess_namegroup_num_procs{id=""}')
    for name in ("node_exporter", "process_exporter", "mysqld_exporter", "blackbox_exporter", "prometheus"):
        info = f'caisson_container_info{{name="{stack.lab.name(name)}"}}'
        of = f"namedprocess_namegroup_num_procs * on (host, id) group_left (name) {info} > 0"
        wait(f"processes of {name}", functools.partial(ask_prometheus, of))
        assert stack.lab.engine.containers([stack.lab.label])[stack.lab.name(name)].running


def test_a_container_that_does_not_run_is_noticed_by_its_name(stack: Stack) -> None:
    wait("processes are known", lambda: bool(ask_prometheus('up{job="process"} == 1 and on () namedprocess_namegroup_num_procs')))
    noticed = 'ALERTS{alertname="ContainerDown"}'
    time.sleep(3)
    assert ask_prometheus(noticed) == []
    stack.lab.engine.stop(stack.lab.name("blackbox_exporter"), 0)
    wait("the alert", lambda: bool(ask_prometheus(noticed)))
    (found,) = ask_prometheus(noticed)
    assert (found["name"], found["alertstate"]) == (stack.lab.name("blackbox_exporter"), "pending")


def test_prometheus_reads_its_rules_again(stack: Stack) -> None:
    wait("it evaluates", lambda: bool(ask_prometheus("up")))
    extra = {"groups": [{"name": "extra", "rules": [{"alert": "Extra", "expr": "vector(1)"}]}]}
    defined.write(stack.directory / "prometheus", {"rules.yml": yaml.safe_dump(extra)})
    stack.lab.engine.signal(stack.lab.name("prometheus"), "SIGHUP")
    wait("the new rule", lambda: bool(ask_prometheus('ALERTS{alertname="Extra"}')))
