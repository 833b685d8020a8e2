# SPDX-License-Identifier: Apache-2.0
"""Runs SQL on a MariaDB server over the network. A container of the client image runs this source, for hosts have no driver."""

from __future__ import annotations

import typing as t

#: Seconds to connect, and for an answer.
_CONNECT, _READ = 10, 60


def main(parameters: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the rows of all statements up to the first that is refused, the version of the server, and the error, if there is one.

    Of an error ``where`` says at which step it happened: connect, login, tls or query.
    """
    import pymysql  # type: ignore[import-untyped,unused-ignore]

    result: dict[str, t.Any] = {"rows": [], "version": "", "error": "", "where": "", "code": 0}

    def failed(where: str, error: Exception) -> dict[str, t.Any]:
        code = error.args[0] if len(error.args) > 1 and isinstance(error.args[0], int) else 0
        return {**result, "where": where, "code": code, "error": str(error.args[-1] if error.args else error)}

    try:
        connection = pymysql.connect(
            host=parameters["host"],
            port=parameters["port"],
            user=parameters["user"],
            # of a text the driver would send the Latin-1 form
            password=parameters["password"].encode(),
            charset="utf8mb4",
            ssl=_context(parameters["ca_certificates"]),
            connect_timeout=_CONNECT,
            read_timeout=_READ,
            autocommit=True,
        )
    except pymysql.OperationalError as error:
        # 2003: no connection, or none with TLS; 2013: it broke; all others are answers of the server
        return failed("connect" if error.args[0] in (2003, 2006, 2013) else "login", error)
    except (OSError, RuntimeError, ValueError, pymysql.Error) as error:
        return failed("connect", error)
    with connection, connection.cursor() as cursor:
        result["version"] = connection.get_server_info()
        # the driver goes on without encryption if the server offers none
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        if parameters["ca_certificates"] and not (cursor.fetchone() or ("", ""))[1]:
            return {**result, "where": "tls", "error": "the server offers no TLS"}
        for statement in parameters["statements"]:
            try:
                cursor.execute(statement)
            except (pymysql.Error, OSError) as error:
                return failed("query", error)
            result["rows"] += [[_text(value) for value in row] for row in cursor.fetchall()]
    return result


def _context(certificates: str) -> t.Any:
    """Return what verifies a server, or None for a connection without TLS."""
    if not certificates:
        return None
    import ssl

    context = ssl.create_default_context(cadata=certificates)
    # as the driver has it where it is given a file
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _text(value: t.Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
