# SPDX-License-Identifier: Apache-2.0
"""How secrets are written; that services read them back is a test on their images."""

from __future__ import annotations

import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import secret_text

_PASSWORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1)


@given(_PASSWORDS, _PASSWORDS)
def test_a_url_gives_user_and_password_back(user: str, password: str) -> None:
    url = urllib.parse.urlsplit(f"rabbit://{secret_text.url_login(user, password)}@192.0.2.1:5672/vhost")
    assert (url.hostname, url.port, url.path) == ("192.0.2.1", 5672, "/vhost")
    assert [urllib.parse.unquote(text or "") for text in (url.username, url.password)] == [user, password]


@pytest.mark.parametrize(
    ("text", "written"),
    [("plain", "plain"), ("a$b", r"a\$b"), (r"a\$b", r"a\\$b"), ("'a'", "\"'a'\""), ('"', '"""'), ("'a", "'a"), ("a'", "a'")],
)
def test_oslo_config_needs_a_backslash_or_quotes(text: str, written: str) -> None:
    assert secret_text.oslo_value(text) == written


def test_only_secrets_are_written_anew() -> None:
    data = {"a": {"password": "x$y", "path": "$state_path/x", "many": ["x$y", "$z"], "number": 1}}
    written = {"a": {"password": r"x\$y", "path": "$state_path/x", "many": [r"x\$y", "$z"], "number": 1}}
    assert secret_text.for_oslo(data, {"x$y"}) == written


def test_a_secret_is_known_in_every_form() -> None:
    assert secret_text.forms("""a'$"b""") == {"""a'$"b""", "a%27%24%22b", """a'\\$"b""", """a'$\\"b""", "'a'\"'\"'$\"b'", """a''$"b"""}
