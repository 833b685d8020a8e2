#!/usr/bin/env python
# SPDX-License-Identifier: Apache-2.0
"""privsep-shared ARGUMENT...: start a helper of privsep as ``privsep-helper ARGUMENT...`` does, from a process that has its code loaded.

privsep gives each of its contexts (a set of privileges) a process, and each of them loads 100 MiB of Python code. The first call of this
command starts a process that loads the code once and waits; then it, and each later call, has that process fork a helper, which shares the
code's memory. The helper itself is that of oslo.privsep: it drops the privileges that its context does not have.

Runs as root, by sudo. Only root can enter the directory of the socket.
"""

import contextlib
import fcntl
import gc
import importlib
import json
import os
import pathlib
import socket
import sys
import traceback
import typing as t

DIRECTORY = pathlib.Path("/run/privsep-shared")
#: What the contexts call; the rest of the code comes with it.
MODULES = ["oslo_privsep.daemon", "neutron.privileged.agent.linux.ip_lib", "neutron.privileged.agent.linux.utils"]


def run_helper(arguments: "list[str]") -> t.NoReturn:
    """Be ``privsep-helper``: fork the helper and end, with its exit code."""
    sys.argv = ["privsep-helper", *arguments]
    importlib.import_module("setproctitle").setproctitle(" ".join(sys.argv))
    try:
        importlib.import_module("oslo_privsep.daemon").helper_main()
    except SystemExit as end:
        os._exit(0 if end.code in (None, 0) else 1)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def serve(listener: socket.socket) -> t.NoReturn:
    """Load the code, then fork a process for each list of arguments that comes in, and answer with its exit code."""
    for name in MODULES:
        # a helper loads what it calls: a release without one of these shares less
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
    # the garbage collector leaves alone what is there now: writing to it would end the sharing
    gc.collect()
    gc.freeze()
    while True:
        connection, _address = listener.accept()
        with connection:
            arguments = json.loads(connection.makefile().read())
            child = os.fork()
            if not child:
                listener.close()
                connection.close()
                run_helper(arguments)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            with contextlib.suppress(BrokenPipeError):
                connection.sendall(str(code).encode())


def connect() -> socket.socket:
    """Return a connection to the process that has the code loaded; start it if there is none."""
    path = DIRECTORY / "socket"
    with (DIRECTORY / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            path.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(path))
            listener.listen()
            if not os.fork():
                lock.close()
                connection.close()
                serve(listener)
            listener.close()
            connection.connect(str(path))
        fcntl.flock(lock, fcntl.LOCK_UN)
    return connection


def main() -> int:
    """Return the exit code of the helper's start."""
    with connect() as connection:
        connection.sendall(json.dumps(sys.argv[1:]).encode())
        connection.shutdown(socket.SHUT_WR)
        return 0 if connection.recv(16) == b"0" else 1


if __name__ == "__main__":
    sys.exit(main())
