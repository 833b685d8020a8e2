# SPDX-License-Identifier: Apache-2.0
"""A service on oslo.messaging with the product's own configuration; and one that keeps messages in a queue of its own.

usage: broker_client.py CONFIG put FROM COUNT | take | serve | call SECONDS
"""

import itertools
import json
import os
import re
import sys
import threading
import time

import kombu
import oslo_messaging
from oslo_config import cfg

QUEUE = "kept"


def connection(url: str) -> kombu.Connection:
    brokers = ";".join(f"amqp://{part}//" for part in re.sub("^rabbit://|/$", "", url).split(","))
    return kombu.Connection(brokers, transport_options={"confirm_publish": True}, connect_timeout=5)


def queue(channel: object) -> kombu.Queue:
    return kombu.Queue(QUEUE, durable=True, queue_arguments={"x-queue-type": "quorum"}, channel=channel)


def put(url: str, first: int, count: int) -> None:
    """Publish numbers; what the broker has confirmed is printed."""
    with connection(url) as broker:
        broker.ensure_connection(max_retries=20, interval_start=1, interval_step=0)
        queue(broker.channel()).declare()
        producer = broker.Producer()
        for number in range(first, first + count):
            producer.publish(number, routing_key=QUEUE, delivery_mode=2, retry=True)
    print(json.dumps(list(range(first, first + count))))


def take(url: str) -> None:
    """Print the numbers that are in the queue, and leave them there."""
    with connection(url) as broker:
        broker.ensure_connection(max_retries=20, interval_start=1, interval_step=0)
        kept, found = queue(broker.channel()), []
        while (message := kept.get()) is not None:
            found.append(message.payload)
    print(json.dumps(sorted(found)))


class Endpoint:
    target = oslo_messaging.Target(version="1.0")

    def ping(self, _context: object, number: int) -> int:
        return number


def serve(transport: object) -> None:
    server = oslo_messaging.get_rpc_server(
        transport, oslo_messaging.Target(topic="work", server=os.uname().nodename), [Endpoint()], executor="threading"
    )
    server.start()
    print("ready", flush=True)
    while True:
        time.sleep(1)


def call(transport: object, seconds: float) -> None:
    """Call ten times a second, and print how many calls answered, failed, and the longest time without an answer."""
    client = oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic="work", version="1.0"), timeout=60)
    lock, answers, failed = threading.Lock(), [time.monotonic()], []

    def one(number: int) -> None:
        try:
            assert client.call({}, "ping", number=number) == number
            with lock:
                answers.append(time.monotonic())
        except Exception as error:
            failed.append(f"{type(error).__name__}: {error}")

    threads: list[threading.Thread] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        threads.append(threading.Thread(target=one, args=(len(threads),)))
        threads[-1].start()
        time.sleep(0.1)
    for thread in threads:
        thread.join()
    answers.append(time.monotonic())
    gap = max(after - before for before, after in itertools.pairwise(answers))
    print(json.dumps({"answered": len(answers) - 2, "failed": failed, "gap": round(gap, 1)}), flush=True)
    os._exit(0)


def main() -> None:
    conf = cfg.CONF
    conf(["--config-file", sys.argv[1]], project="probe")
    transport = oslo_messaging.get_rpc_transport(conf)
    command, arguments = sys.argv[2], sys.argv[3:]
    if command == "put":
        put(conf.transport_url, *map(int, arguments))
    elif command == "take":
        take(conf.transport_url)
    elif command == "serve":
        serve(transport)
    else:
        call(transport, float(arguments[0]))


if __name__ == "__main__":
    main()
