# SPDX-License-Identifier: Apache-2.0
"""What is blotted out of text that people see."""

from __future__ import annotations

import json
import typing as t

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.common import masking
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import formats

_SHOWN = [
    "remote_write:\n- {url: https://metrics.example.org/write, basic_auth: {username: caisson, password: hunter2}}\n",
    "auth: {password: hunter2}\n",
    "basic_auth:\n  username: x\n  password: hunter2\n",
    "password: |\n  hunter2\n  hunter2\n",
    "tokens:\n- hunter2\n- hunter2\n",
    "tokens:\n  - hunter2\n",
    "bearer_token: hunter2\n",
    "clientSecret: 'hunter2'\n",
    "- api_key: hunter2\n",
    "credentials:\n  a: hunter2\n  b: {c: hunter2}\n",
    '{"a": {"password": "hunter2", "b": 1}}\n',
    '{\n  "password": "hunter2"\n}\n',
    '{\n  "tokens": [\n    "hunter2"\n  ]\n}\n',
    "[x]\nadmin_password = hunter2\n  hunter2\n",
    "[x]\nPASSWORD=hunter2\n",
    "[x]\nopts = --user=a --password=hunter2 --b\n",
    '[x]\nopts = {"password": "hunter2"}\n',
    "[x]\nbackend = redis://:hunter2@h:6379\n",
    "[x]\nurl = mysql://user:hunter2@h/x and more\n",
    "[x]\nurl = rabbit://a:hunter2@h1,b:hunter2@h2/\n",
    "http-request set-header Authorization hunter2\n",
    'http-request set-header Authorization "Basic hunter2"\n',
    "  stats auth admin:hunter2\n",
    "user admin insecure-password hunter2\n",
    'os.environ["ADMIN_PASSWORD"] = "hunter2"\n',
    "<password>hunter2</password>\n",
    "curl -H 'Authorization: Bearer hunter2'\n",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nhunter2\n",
]


@pytest.mark.parametrize("text", _SHOWN)
def test_what_a_file_calls_a_secret_is_not_shown(text: str) -> None:
    shown = masking.mask(text)
    assert "hunter2" not in shown
    assert masking.MASK in shown
    assert "hunter2" not in masking.mask(text, sensitive=True)


@pytest.mark.parametrize(
    "text",
    [
        "[DEFAULT]\ndebug = true\nworkers = 3\n\n[ovn]\novn_nb_connection = tcp:192.0.2.1:6641\n",
        "[fernet_tokens]\nkey_repository = /etc/keystone/fernet-keys\nmax_active_keys_size = 5\n",
        "password_file: /run/x\nkeystone: 1\nmonkey: 2\ncompass: 3\ntoken_url: https://x.example.org/\n",
        "global:\n  scrape_interval: 15s\n  external_labels: {cloud: x}\nscrape_configs:\n- job_name: http://a:80/x\n",
        "bind 192.0.2.1:443 ssl crt /etc/haproxy/api.pem\nserver c1 192.0.2.11:15000 check\n",
        "url = http://192.0.2.1:5000/v3\n",
    ],
)
def test_the_rest_is_shown(text: str) -> None:
    assert masking.mask(text) == text


def test_what_follows_a_secret_is_shown_again() -> None:
    text = "password: |\n  hunter2\nb: 1\n[x]\ntoken = hunter2\n\nc = 2\n"
    assert masking.mask(text).splitlines()[2:] == ["b: 1", "[x]", "token = ********", "", "c = 2"]


_NAMES = st.sampled_from(["password", "admin_password", "clientSecret", "api_key", "TOKEN", "credential"])
_SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=0, max_size=12).map(lambda text: f"q{text}hunter2q")


@given(_NAMES, _SECRETS, st.integers(0, 2), st.sampled_from(["ini", "yaml", "json"]))
def test_no_format_shows_a_secret_by_name(name: str, secret: str, depth: int, form: str) -> None:
    data: dict[str, t.Any] = {name: secret, "other": "shown"}
    for _level in range(1 if form == "ini" else depth):
        data = {"level": data}
    text = formats.render(form, data)
    assert (yaml.safe_load(text) if form == "yaml" else json.loads(text) if form == "json" else data) == data
    shown = masking.mask(text)
    assert "hunter2" not in shown
    assert "shown" in shown


def test_data_is_masked_by_its_keys_and_options() -> None:
    data = {
        "env": {"ADMIN_PASSWORD": "hunter2", "URL": "a://u:hunter2@h", "A": "known", "EMPTY_TOKEN": ""},
        "command": ["run", "--password", "hunter2", "--token=hunter2", "--key-file", "/x", 5, None],
    }
    assert masking.masked(data, ["known"]) == {
        "env": {"ADMIN_PASSWORD": "********", "URL": "a://u:********@h", "A": "********", "EMPTY_TOKEN": ""},
        "command": ["run", "--password", "********", "--token=********", "--key-file", "/x", 5, None],
    }
