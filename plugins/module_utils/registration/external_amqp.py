# SPDX-License-Identifier: Apache-2.0
"""Tries brokers over the network as services use them. A container of the client image runs this source, for hosts have no driver."""

from __future__ import annotations

import typing as t

#: Seconds for each step.
_TIMEOUT = 10


def main(parameters: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return for each broker its version, the name of its cluster, and at which step (connect, login or use) it failed with what error."""
    return {"brokers": [_tried(host, parameters) for host in parameters["hosts"]]}


def _tried(host: str, parameters: dict[str, t.Any]) -> dict[str, t.Any]:
    import amqp  # type: ignore[import-not-found,import-untyped,unused-ignore]

    result = {"host": host, "version": "", "product": "", "cluster": "", "where": "", "error": ""}

    def failed(where: str, error: BaseException) -> dict[str, t.Any]:
        return {**result, "where": where, "error": " ".join(str(error).split()).rstrip(".") or type(error).__name__}

    connection = amqp.Connection(
        f"{'[' + host + ']' if ':' in host else host}:{parameters['port']}",
        userid=parameters["user"],
        password=parameters["password"],
        virtual_host=parameters["vhost"],
        ssl=_verified(parameters["ca_certificates"]),
        connect_timeout=_TIMEOUT,
        read_timeout=_TIMEOUT,
        write_timeout=_TIMEOUT,
    )
    try:
        connection.connect()
    except (amqp.exceptions.ConnectionError, amqp.exceptions.AccessRefused) as error:
        return failed("login", error)
    except Exception as error:
        return failed("connect", error)
    try:
        properties = connection.server_properties
        result |= {key: str(properties.get(name, "")) for key, name in (("version", "version"), ("product", "product"))}
        result["cluster"] = str(properties.get("cluster_name", ""))
        _use(connection.channel(), parameters["queue"])
    except Exception as error:
        return failed("use", error)
    finally:
        connection.collect()
    return result


def _use(channel: t.Any, name: str) -> None:
    """Do what services do: with an exchange and a quorum queue of their own, which are removed again."""
    import amqp  # type: ignore[import-not-found,import-untyped,unused-ignore]

    channel.exchange_declare(name, "topic", durable=True, auto_delete=False)
    channel.queue_declare(name, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    try:
        channel.queue_bind(name, name, name)
        channel.basic_publish(amqp.Message("check"), name, name)
        channel.basic_get(name, no_ack=True)
    finally:
        channel.queue_delete(name)
        channel.exchange_delete(name)


def _verified(certificates: str) -> t.Any:
    """Return the TLS options that oslo.messaging gives the driver, or False for none."""
    if not certificates:
        return False
    import ssl
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".crt", delete=False) as file:
        file.write(certificates)
    return {"ca_certs": file.name, "cert_reqs": ssl.CERT_REQUIRED}
