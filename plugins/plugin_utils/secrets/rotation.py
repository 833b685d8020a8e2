# SPDX-License-Identifier: Apache-2.0
"""Rotation of secrets without a failed login: a protocol of steps, each of which a run of site brings to all hosts.

A password that belongs to an account changes by moving its clients to the other account of a pair, such as ``nova`` and
``nova_b``, because no server here accepts two passwords for one account:

``accept``
    the servers accept both accounts, clients still use the one they had;
``move``
    clients use the new one, the servers accept both;
``retire``
    the servers accept the new one only.

What has no pair, such as Keystone's keys and the administrator's password, changes in ``move``. The steps are kept with the
secrets, old and new values together, before anything changes: a rotation that was cut off goes on where it stopped, and site
may run at any step.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import secret_store
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets.secret_store import SecretRequirement

Phase = t.Literal["none", "accept", "move", "retire"]

#: Where the secrets file keeps the rotation, among the secrets.
KEY = "rotation"
#: Stands for every password of an account and every list of keys: what rotates without a failed login of a service.
EVERYTHING = "all"
_TWIN = "_b"


@dataclasses.dataclass(frozen=True)
class Rotation:
    """How far a rotation has come, and which accounts earlier ones left in use."""

    phase: Phase = "none"
    #: Until clients have moved: what follows the values in use, by name.
    new: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    #: Afterwards: names of the passwords whose former accounts go.
    retiring: list[str] = dataclasses.field(default_factory=list)
    #: Names of the passwords that belong to the second account of their pair.
    twins: list[str] = dataclasses.field(default_factory=list)

    @property
    def rotating(self) -> list[str]:
        """Names of the secrets that are being rotated."""
        return sorted({*self.new, *self.retiring})


def resolve(names: t.Iterable[str], requirements: t.Iterable[SecretRequirement], foreign: t.Container[str] = ()) -> list[str]:
    """Return *names* with :data:`EVERYTHING` resolved, which leaves out what is *foreign*: what the operator set elsewhere.

    Raises:
        ValueError: if one is not required, or foreign; the message names it.
    """
    required = {item.name: item for item in requirements}
    smooth = [item.name for item in required.values() if (item.user or item.type == "fernet_keys") and item.name not in foreign]
    found = dict.fromkeys(name for given in names for name in (smooth if given == EVERYTHING else [given]))
    unknown = sorted(found.keys() - required.keys())
    if unknown:
        raise ValueError(f"cannot rotate {', '.join(unknown)}: no enabled service of this play needs a secret of that name")
    if fixed := sorted(name for name in found if name in foreign):
        raise ValueError(f"cannot rotate {', '.join(fixed)}: a variable of that name sets it, not this file; change it there")
    return list(found)


def begin(
    rotation: Rotation, values: t.Mapping[str, t.Any], requirements: t.Iterable[SecretRequirement], names: t.Collection[str]
) -> Rotation:
    """Return the first step of the rotation of *names*, or *rotation* itself if one is under way: that goes on first.

    Raises:
        ValueError: if one cannot be rotated; the message names it.
    """
    if rotation.phase != "none" or not names:
        return rotation
    new: dict[str, t.Any] = {}
    pairs = False
    for item in requirements:
        if item.name not in names:
            continue
        pairs = pairs or item.in_pair
        try:
            new[item.name] = secret_store.rotate(item.type, values[item.name])
        except ValueError as error:
            raise ValueError(f"cannot rotate {item.name}: {error}") from error
    return dataclasses.replace(rotation, phase="accept" if pairs else "move", new=new)


def finish(rotation: Rotation, requirements: t.Iterable[SecretRequirement], phase: str) -> tuple[Rotation, dict[str, t.Any]]:
    """Return the step that follows *phase*, which all hosts were brought to, and the values that are now the ones in use.

    Nothing changes if the rotation is at another step, as it is when one that was cut off goes on.
    """
    if rotation.phase != phase or phase == "none":
        return rotation, {}
    if phase == "accept":
        return dataclasses.replace(rotation, phase="move"), {}
    if phase == "retire":
        return Rotation(twins=rotation.twins), {}
    moved = {item.name for item in requirements if item.in_pair and item.name in rotation.new}
    twins = sorted(moved ^ set(rotation.twins))
    return Rotation("retire" if moved else "none", retiring=sorted(moved), twins=twins), dict(rotation.new)


def in_use(rotation: Rotation, values: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the values that clients use at this step."""
    return {**values, **(rotation.new if rotation.phase == "move" else {})}


def accounts(
    rotation: Rotation, values: t.Mapping[str, t.Any], requirements: t.Iterable[SecretRequirement], suffix: str = ""
) -> dict[str, dict[str, t.Any]]:
    """Return the account of each password that has one, by the name of the password; names of pairs end with *suffix*.

    ``pair`` has the names of both accounts. ``user`` is the one that clients use. ``alternate`` is the other one, None if nothing has
    to be done about it: with a password it must be accepted too, with an empty one it must be removed.
    """
    found: dict[str, dict[str, t.Any]] = {}
    for item in requirements:
        if not item.user:
            continue
        pair = [item.user + suffix, item.user + suffix + _TWIN] if item.paired else [item.user]
        user, other = reversed(pair) if item.name in rotation.twins else (pair[0], pair[-1])
        alternate = None
        if item.name in rotation.retiring:
            alternate = {"user": other, "password": ""}
        elif item.paired and item.name in rotation.new:
            alternate = {"user": other, "password": rotation.new[item.name]}
            if rotation.phase == "move":
                user, alternate = other, {"user": user, "password": values[item.name]}
        found[item.name] = {"pair": pair, "user": user, "alternate": alternate}
    return found
