# SPDX-License-Identifier: Apache-2.0
"""Files with which an operator overrides configuration, found by name and merged structurally.

Below the override directory, later wins:

1. ``global.conf`` (into every file of an OpenStack service that oslo.config reads)
2. ``<service>/<file>``
3. ``<service>/<container>/<file>``
4. ``groups/<group>/<service>/<file>``
5. ``hosts/<host>/<service>/<file>``
"""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils import formats
from ansible_collections.caisson.openstack.plugins.module_utils.definition import ConfigFile
from ansible_collections.caisson.openstack.plugins.module_utils.merge import merge


class OverrideError(ValueError):
    """An override file cannot be used; the message names the file and what is wrong."""


def candidates(directory: pathlib.Path, service: str, file: ConfigFile, groups: t.Iterable[str], host: str) -> list[pathlib.Path]:
    """Return the files that would be read for *file* on *host*, weakest first, whether they exist or not."""
    name = pathlib.PurePosixPath(file.path).name
    paths = [directory / "global.conf"] if file.oslo else []
    paths.append(directory / service / name)
    paths += [directory / service / container / name for container in file.containers]
    paths += [directory / "groups" / group / service / name for group in groups]
    paths.append(directory / "hosts" / host / service / name)
    return paths


def apply(file: ConfigFile, content: t.Any, paths: t.Iterable[pathlib.Path], template: t.Callable[[str], str]) -> t.Any:
    """Return *content* with those of *paths* that exist merged into it; text is replaced as a whole.

    Args:
        template: renders the Jinja expressions of an override file.

    Raises:
        OverrideError: if a file cannot be read or parsed.
    """
    for path in paths:
        if not path.is_file():
            continue
        try:
            text = template(path.read_text(encoding="utf-8"))
            content = text if file.format == "text" else merge(content, _mapping(formats.parse(file.format, text), content))
        except (OSError, UnicodeDecodeError, formats.FormatError) as error:
            raise OverrideError(f"override {path}: {error}") from error
    return content


def _mapping(override: t.Any, content: t.Any) -> t.Any:
    """Return *override*, which must be a mapping where *content* is one."""
    if isinstance(content, t.Mapping) and not isinstance(override, t.Mapping):
        raise formats.FormatError(f"expected a mapping, got {type(override).__name__}")
    return override
