# SPDX-License-Identifier: Apache-2.0
"""What action plugins share that do their work on the controller."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import play_roles
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import secret_store

_display = Display()

Arguments = dict[str, t.Any]
Result = dict[str, t.Any]


class ControllerAction(ActionBase):
    """Runs on the controller only; nothing is asked of the host.

    ``ARGUMENTS`` is what it takes, in the form of an ``argument_spec``; the documentation of the module of the same name has the rest.
    """

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Check the arguments and act.

        Raises:
            AnsibleActionFail: if an argument is unknown or wrong.
        """
        super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=self.ARGUMENTS)
        self._vars = dict(task_vars or {})
        return self.act(args)

    def act(self, args: Arguments) -> Result:
        """Return the result for checked arguments; ``self._vars`` are the variables of the task."""
        raise NotImplementedError

    def _secret_kinds(self) -> dict[str, str]:
        """Return the kind of each secret that the roles of the play ask for, by its name."""
        found = play_roles.required(self._templar, self._task.get_play(), self._vars, "secrets", secret_store.SecretRequirement)
        return {item.name: item.type for item in found}


def show(lines: t.Iterable[str]) -> None:
    """Print lines for people."""
    for line in lines:
        _display.display(line)


def warn(text: str) -> None:
    """Print a warning, once."""
    _display.warning(text)


def keep(what: str, file: str, text: str) -> None:
    """Write a file that only its owner may read; *what* is its name in messages.

    Raises:
        AnsibleActionFail: if it cannot be written.
    """
    try:
        atomic_write.write(pathlib.Path(file), text)
    except OSError as error:
        raise AnsibleActionFail(f"cannot write the {what} to {file}: {error.strerror}") from None
