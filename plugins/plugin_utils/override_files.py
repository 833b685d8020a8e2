# SPDX-License-Identifier: Apache-2.0
"""What reading an override file takes of Ansible: the order of groups, and its vault."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleError
from ansible.inventory.helpers import sort_groups
from ansible.parsing.vault import VaultLib, is_encrypted


def precedence(hostvars: t.Any, host: str) -> list[str]:
    """Return the groups of *host* as Ansible reads their variables, the strongest last: ``all``, parents, children.

    Groups of the same depth go by ``ansible_group_priority``, then by name.
    """
    return [group.name for group in sort_groups(hostvars._inventory.get_host(host).get_groups())]


def read(path: pathlib.Path, loader: t.Any) -> tuple[str, bool]:
    """Return the text of an override file, and whether ansible-vault encrypted it.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is no text, or none of the vault passwords decrypts it.
    """
    raw = path.read_bytes()
    if not is_encrypted(raw):
        return raw.decode(), False
    try:
        return VaultLib(secrets=loader._vault.secrets).decrypt(raw).decode(), True
    except AnsibleError as error:
        raise ValueError(f"{' '.join(str(error).split())} (give --vault-password-file or --vault-id)") from error
