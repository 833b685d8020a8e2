# SPDX-License-Identifier: Apache-2.0
"""What the documents repeat of the definitions is as these are."""

from __future__ import annotations

import pathlib

import pytest

from tests import docs


@pytest.mark.parametrize("path", docs.DOCUMENTS, ids=lambda path: path.name)
def test_generated_parts_are_as_the_definitions(path: pathlib.Path) -> None:
    text = path.read_text("utf-8")
    assert docs.rendered(text) == text, "make docs"


def test_each_part_stands_in_one_document() -> None:
    assert sorted(name for path in docs.DOCUMENTS for name in docs.parts(path.read_text("utf-8"))) == sorted(docs.GENERATED)


def test_what_is_wrong_is_written_anew_and_the_rest_stays() -> None:
    table = "\n".join(docs.users())
    text = f"before\n<!-- generated: users -->\n{{}}<!-- end -->\nafter {table}\n"
    assert docs.rendered(text.format("wrong\n")) == text.format(f"{table}\n")
