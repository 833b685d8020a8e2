# SPDX-License-Identifier: Apache-2.0
"""Images of a real engine: built from nothing, found, named, read, and failing with a reason."""

from __future__ import annotations

import io
import pathlib
import tarfile
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.images.store import ImageStore

PREFIX = "localhost/x-caisson-test"


def context(**files: str) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    stream.seek(0)
    return stream


@pytest.fixture
def client() -> t.Iterator[t.Any]:
    client = connect()
    yield client
    for image in client.images(name=f"{PREFIX}*"):
        client.remove_image(image["Id"], force=True)


@pytest.fixture
def store(client: t.Any) -> ImageStore:
    return ImageStore(client)


def test_what_was_built_can_be_found_named_and_read(store: ImageStore) -> None:
    labels = {"org.caisson.test": '{"a": "b, c=d"}'}
    store.build(f"{PREFIX}:one", context(Containerfile="FROM scratch\nCOPY file /etc/file\n", file="text"), labels)
    image = store.inspect(f"{PREFIX}:one")
    assert image and image.labels == labels
    store.tag(image.id, f"{PREFIX}:two")
    assert store.inspect(f"{PREFIX}:two") == image
    assert sorted(store.tags(PREFIX)) == [f"{PREFIX}:one", f"{PREFIX}:two"]
    assert store.tags(f"{PREFIX}-other") == []
    assert store.read(f"{PREFIX}:two", "/etc/file") == b"text"
    assert store.read(f"{PREFIX}:two", "/etc/none") is None


def test_a_root_file_system_becomes_an_image(store: ImageStore, tmp_path: pathlib.Path) -> None:
    archive = tmp_path / "root.tar"
    archive.write_bytes(context(file="text").getvalue())
    store.import_root(f"{PREFIX}:root", str(archive), {"org.caisson.test": '{"a": "b"}'})
    image = store.inspect(f"{PREFIX}:root")
    assert image and image.labels == {"org.caisson.test": '{"a": "b"}'}
    assert store.read(f"{PREFIX}:root", "/file") == b"text"


def test_a_failed_build_tells_image_step_and_log(store: ImageStore) -> None:
    with pytest.raises(EngineError, match=rf"(?s)cannot build {PREFIX}:bad: COPY failed.*the end of its log:.*Step 2/2 : COPY none /file"):
        store.build(f"{PREFIX}:bad", context(Containerfile="FROM scratch\nCOPY none /file\n"), {})
    assert store.inspect(f"{PREFIX}:bad") is None


def test_an_image_that_no_registry_has(store: ImageStore) -> None:
    with pytest.raises(EngineError, match="cannot pull localhost:1/none"):
        store.transfer("pull", "localhost:1/none:1")
