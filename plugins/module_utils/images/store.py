# SPDX-License-Identifier: Apache-2.0
"""The images of one host: build, import, transfer, read and name them."""

from __future__ import annotations

import collections
import io
import json
import re
import tarfile
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineClient, EngineError, NotFoundError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class ImageStore(EngineClient):
    """Images of one host. All methods raise :class:`EngineError`."""

    def tags(self, repository: str) -> list[str]:
        """Return the references of all images of *repository*."""
        rows = self._call("list images", self._client.images, name=repository)
        return [reference for row in rows for reference in row["RepoTags"] or []]

    def build(self, reference: str, context: t.IO[bytes], labels: t.Mapping[str, str]) -> None:
        """Build an image from a tar archive that holds ``Containerfile``; the error has the end of the build's log."""
        options = {"custom_context": True, "dockerfile": "Containerfile", "network_mode": "host", "rm": True, "forcerm": True}
        self._follow(f"build {reference}", self._client.build, fileobj=context, tag=reference, labels=dict(labels), **options)

    def import_root(self, reference: str, archive: str, labels: t.Mapping[str, str]) -> None:
        """Make an image of a root file system in the tar file *archive*."""
        repository, _colon, tag = reference.rpartition(":")
        changes = [f"LABEL {key}={json.dumps(value)}" for key, value in labels.items()]
        what = f"import {reference}"
        answer = self._call(what, self._client.import_image_from_file, archive, repository=repository, tag=tag, changes=changes)
        if '"error"' in answer:
            raise EngineError(f"cannot {what}: {answer}")

    def transfer(self, direction: t.Literal["push", "pull"], reference: str) -> None:
        """Push an image to, or pull it from, the registry that its reference names."""
        self._follow(f"{direction} {reference}", getattr(self._client, direction), reference, stream=True)

    def registry_digest(self, reference: str) -> str | None:
        """Return the digest that the registry of *reference* has for it, or None if it does not have it."""
        try:
            found = self._call(f"query the registry for {reference}", self._client.inspect_distribution, reference)
        except NotFoundError:
            return None
        except EngineError as error:
            if "manifest unknown" in str(error):
                return None
            raise
        return str(found["Descriptor"]["digest"])

    def remove_stages(self, label: str) -> None:
        """Remove unnamed images that carry *label*: what multi-stage builds leave behind."""
        self._call("remove build stages", self._client.prune_images, filters={"dangling": True, "label": [label]})

    def read(self, reference: str, path: str) -> bytes | None:
        """Return a file of an image, or None if it has no such file; nothing of the image runs."""
        what = f"read {path} of {reference}"
        container = self._call(what, self._client.create_container, image=reference, command=["true"])["Id"]
        try:
            chunks, _stat = self._call(what, self._client.get_archive, container, path)
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                member = archive.extractfile(archive.next() or "")
                return member.read() if member else None
        except NotFoundError:
            return None
        finally:
            self._call(what, self._client.remove_container, container, force=True)

    def tag(self, reference: str, other: str) -> None:
        """Give the image *reference* a further name."""
        repository, _colon, tag = other.rpartition(":")
        self._call(f"name {reference} {other}", self._client.tag, reference, repository, tag)

    def _follow(self, what: str, function: t.Callable[..., t.Any], *args: t.Any, **kwargs: t.Any) -> None:
        """Call *function*, read its progress to the end, and fail with the last of that if it fails."""
        log: collections.deque[str] = collections.deque(maxlen=30)

        def read() -> None:
            for line in function(*args, decode=True, **kwargs):
                log.append(_COLOUR.sub("", line.get("stream") or ""))
                if "error" in line:
                    end = "".join(log).rstrip()
                    raise EngineError(f"cannot {what}: {line['error']}" + (f"; the end of its log:\n{end}" if end else ""))

        self._call(what, read)
