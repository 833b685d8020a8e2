# SPDX-License-Identifier: Apache-2.0
"""What a facts command may print."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.model.cluster import MemberState, parse


def test_the_last_line_counts() -> None:
    text = 'reading the log\n{"cluster": "a", "position": 7, "serving": true}\n'
    assert parse(text) == MemberState(data=True, cluster="a", position=7, serving=True)
    assert parse('{"data": false}') == MemberState()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("position: 7", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"seqno": 7}', "not a JSON object with some of cluster, data, position, serving"),
        ('{"running": true}', "not a JSON object"),
        ('{"position": "seven"}', "expected a whole number"),
    ],
)
def test_anything_else_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)
