# SPDX-License-Identifier: Apache-2.0
"""The container engine of one host. This is the only file that imports the Docker SDK."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import resource
import signal
import traceback
import typing as t
from types import MappingProxyType

from ansible_collections.caisson.openstack.plugins.module_utils.common.wait import wait_until
from ansible_collections.caisson.openstack.plugins.module_utils.engine import address, capabilities, container_api
from ansible_collections.caisson.openstack.plugins.module_utils.engine.attach import Sink, converse
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec

try:
    import docker

    SDK_ERROR: str | None = None
except ImportError:
    SDK_ERROR = traceback.format_exc()

#: Oldest engine API that has all we use (engine 20.10).
MINIMUM_API = (1, 41)

_EXIT_CODE_TIMEOUT = 5.0  # seconds that the engine may take to learn how a command ended
_EXIT_CODE_INTERVAL = 0.05
#: The engine's error if it is not told within its time limit that a killed process has ended, as on a busy host; it often has.
_NO_EXIT_EVENT = "did not receive an exit event"


class EngineError(Exception):
    """The engine refused, or did not do, what was asked; the message says what and why."""


class NotFoundError(EngineError):
    """The engine does not have what was asked for."""


@dataclasses.dataclass(frozen=True)
class ImageState:
    """An image as the engine has it; ``digests`` are those by which registries know it."""

    id: str
    labels: t.Mapping[str, str]
    digests: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ExecResult:
    """How a command ended; ``rc`` is 124 when it was stopped for its time limit."""

    rc: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Both streams, for messages."""
        return "\n".join(text for text in (self.stdout.strip(), self.stderr.strip()) if text)


def connect(params: t.Mapping[str, t.Any] = MappingProxyType({}), timeout: int = 60) -> t.Any:
    """Return an SDK client; *timeout* in seconds bounds each call.

    Args:
        params: options of a module; those of :mod:`address` say where the engine listens.

    Raises:
        EngineError: if the SDK is missing, no engine answers, or it is too old.
    """
    if SDK_ERROR is not None:
        raise EngineError("the Docker SDK for Python is not installed on this host (package python3-docker, or pip install docker)")
    url = params.get("engine_url") or address.DEFAULT_URL
    try:
        client = docker.APIClient(base_url=address.resolve(params), version="auto", timeout=timeout, max_pool_size=32)
    except ValueError as error:
        raise EngineError(str(error)) from error
    except (docker.errors.DockerException, OSError) as error:
        raise EngineError(f"no container engine answers at {url}: {error}; is it installed and started (playbook engine)?") from error
    # a socket of this host has no proxy; looking for one in the environment costs as much as the call
    client.trust_env = False
    if tuple(int(part) for part in client.api_version.split(".")) < MINIMUM_API:
        raise EngineError(f"the engine at {url} has API {client.api_version}, at least {'.'.join(map(str, MINIMUM_API))} is needed")
    return client


class EngineClient:
    """What all parts of an engine share: calls whose errors say what was tried."""

    def __init__(self, client: t.Any) -> None:
        self._client = client

    def _call(self, what: str, function: t.Callable[..., t.Any], *args: t.Any, **kwargs: t.Any) -> t.Any:
        try:
            return function(*args, **kwargs)
        except docker.errors.NotFound as error:
            raise NotFoundError(f"cannot {what}: {_reason(error)}") from error
        except docker.errors.DockerException as error:
            raise EngineError(f"cannot {what}: {_reason(error)}") from error
        except OSError as error:  # requests' exceptions, of an engine that went away
            raise EngineError(f"cannot {what}: the engine does not answer ({error})") from error

    def inspect(self, reference: str) -> ImageState | None:
        """Return an image of this host, or None."""
        try:
            data = self._call(f"inspect image {reference}", self._client.inspect_image, reference)
        except NotFoundError:
            return None
        digests = tuple(entry.rpartition("@")[2] for entry in data.get("RepoDigests") or [])
        return ImageState(data["Id"], data["Config"].get("Labels") or {}, digests)


class Engine(EngineClient):
    """Containers of one host. All methods raise :class:`EngineError`."""

    # -- reading ------------------------------------------------------------------------------------------------

    def containers(self, labels: t.Iterable[str] = ()) -> dict[str, ContainerState]:
        """Return all containers that carry *labels* (``key`` or ``key=value``), running or not, by name."""
        rows = self._call("list containers", self._client.containers, all=True, filters={"label": list(labels)})
        states = (self.container(row["Id"]) for row in rows)
        return {state.name: state for state in states if state}

    def labels(self, labels: t.Iterable[str]) -> dict[str, dict[str, str]]:
        """Return all labels of the containers that carry *labels*, running or not, by id: one call, however many there are."""
        rows = self._call("list containers", self._client.containers, all=True, filters={"label": list(labels)})
        return {row["Id"]: row["Labels"] for row in rows}

    def container(self, name: str) -> ContainerState | None:
        """Return one container, or None."""
        try:
            data = self._call(f"inspect {name}", self._client.inspect_container, name)
        except NotFoundError:
            return None
        return container_api.parse(data)

    def refuse_foreign(self, name: str, cloud: str) -> None:
        """Fail if a container *name* exists that does not belong to *cloud*; its name is needed, and it is not ours to remove."""
        state = self.container(name)
        if state is None or state.labels.get(specs.LABEL_CLOUD) == cloud:
            return
        owner = state.labels.get(specs.LABEL_CLOUD)
        whose = f"belongs to cloud {owner}" if owner else f"does not belong to cloud {cloud}"
        what = f"id {state.id[:12]}, image {state.image or state.image_id}, {state.status}"
        raise EngineError(
            f"a container named {name} ({what}) is on this host and {whose}; remove it (docker rm) or give it another name "
            f"(docker rename {name} NAME)"
        )

    def changes(self, name: str) -> list[str]:
        """Return the paths that were changed in a container's own file system."""
        return [row["Path"] for row in self._call(f"list the changes in {name}", self._client.diff, name) or []]

    def image_id(self, reference: str) -> str | None:
        """Return the id of an image that is present on this host, or None."""
        image = self.inspect(reference)
        return image.id if image else None

    def require_image(self, reference: str) -> str:
        """Return the id of an image of this host; fail if it is not there, and say what to do."""
        image_id = self.image_id(reference)
        if image_id is None:
            raise EngineError(f"image {reference} is not on this host; build it (playbook build) or pull it (playbook pull)")
        return image_id

    def logs(self, name: str, lines: int = 25) -> str:
        """Return the last *lines* of a container's output."""
        raw = self._call(f"read the log of {name}", self._client.logs, name, tail=lines)
        return raw.decode(errors="replace").strip()

    def directory(self) -> str:
        """Return the directory of the host where images, containers and volumes are."""
        return str(self._call("ask the engine for its data directory", self._client.info)["DockerRootDir"])

    # -- changing -----------------------------------------------------------------------------------------------

    def create(self, spec: ContainerSpec, image_id: str, cloud: str, name: str = "") -> str:
        """Create a container from *spec* on the image *image_id*, under another *name* if given; return its id."""
        before = spec.before_stop
        labels = {
            specs.LABEL_CLOUD: cloud,
            specs.LABEL_SERVICE: spec.service,
            specs.LABEL_CONTAINER: spec.name,
            specs.LABEL_SPEC: spec.label(),
            specs.LABEL_RELOAD: spec.reload_digest,
            specs.LABEL_PROTECTED: ",".join(spec.protected_processes),
            specs.LABEL_BEFORE_STOP: json.dumps(dataclasses.asdict(before)) if any(vars(before).values()) else "",
            **({specs.LABEL_CLUSTER: spec.cluster.name or spec.name} if spec.cluster else {}),
        }
        return self._create(spec, image_id, container_api.RESTART_POLICY, {"name": name or spec.name, "labels": labels})

    def start(self, name: str) -> None:
        """Start a container."""
        self._call(f"start {name}", self._client.start, name)

    def stop(self, name: str, timeout: int) -> None:
        """Stop a container, killing it after *timeout* seconds."""
        try:
            self._call(f"stop {name}", self._client.stop, name, timeout=timeout)
        except EngineError as error:
            state = self._after_no_exit_event(error, name)
            if state and state.status in ("running", "restarting"):
                self._call(f"stop {name}", self._client.stop, name, timeout=timeout)

    def remove(self, name: str) -> None:
        """Remove a container, running or not, keeping its named volumes."""
        with contextlib.suppress(NotFoundError):
            try:
                self._call(f"remove {name}", self._client.remove_container, name, force=True)
            except EngineError as error:
                if self._after_no_exit_event(error, name):
                    self._call(f"remove {name}", self._client.remove_container, name, force=True)

    def rename(self, name: str, new_name: str) -> None:
        """Give a container another name."""
        self._call(f"rename {name}", self._client.rename, name, new_name)

    def update(self, name: str, limits: t.Mapping[str, t.Any]) -> None:
        """Change the limits of a container, which continues to run."""
        self._call(f"change the limits of {name}", self._client.update_container, name, **limits)

    def signal(self, name: str, signal_name: str) -> None:
        """Send a signal to the first process of a container.

        The engine's own call for this counts as an operator's stop: the container would stay down after the next boot.
        """
        what = f"send {signal_name} to {name}"
        pid = self._pid(name, what)
        try:
            process = os.pidfd_open(pid)
            try:
                if self._pid(name, what) != pid:  # the number may be another process's by now
                    raise ProcessLookupError
                signal.pidfd_send_signal(process, signal.Signals[signal_name])
            finally:
                os.close(process)
        except ProcessLookupError as error:
            raise EngineError(f"cannot {what}: its process has just ended; run it again") from error

    def _pid(self, name: str, what: str) -> int:
        """Return the number of a container's first process.

        Raises:
            EngineError: if it does not run; *what* says what it was needed for.
        """
        pid = int(self._call(what, self._client.inspect_container, name)["State"]["Pid"])
        if not pid:
            raise EngineError(f"cannot {what}: it is not running")
        return pid

    def volumes(self, names: t.Iterable[str]) -> list[str]:
        """Return those of *names* that are volumes of this host."""
        present = {volume["Name"] for volume in self._call("list volumes", self._client.volumes)["Volumes"] or []}
        return [name for name in names if name in present]

    def remove_volumes(self, names: t.Iterable[str]) -> None:
        """Remove named volumes."""
        for name in names:
            self._call(f"remove volume {name}", self._client.remove_volume, name)

    # -- running commands ---------------------------------------------------------------------------------------

    def exec(
        self,
        container: str,
        command: list[str],
        stdin: bytes | None = None,
        user: str | None = None,
        timeout: int = 60,
        sink: Sink | None = None,
    ) -> ExecResult:
        """Run *command* in a running container; *sink* takes its standard output in the place of the result."""
        what = f"run {command[0]} in {container}"
        created = self._call(what, self._client.exec_create, container, command, stdin=stdin is not None, user=user or "")
        stream = self._call(what, self._client.exec_start, created["Id"], socket=True)
        output = self._call(what, converse, stream, stdin, timeout, sink=sink)
        if output.timed_out:
            return ExecResult(124, output.stdout, output.stderr)

        def exit_codes() -> list[int]:
            code = self._call(what, self._client.exec_inspect, created["Id"])["ExitCode"]
            return [] if code is None else [code]

        codes = wait_until(exit_codes, _EXIT_CODE_TIMEOUT, _EXIT_CODE_INTERVAL)
        if not codes:
            raise EngineError(f"cannot {what}: it closed its output and continues to run")
        return ExecResult(codes[0], output.stdout, output.stderr)

    def run_once(
        self,
        spec: ContainerSpec,
        image_id: str,
        cloud: str,
        stdin: bytes | t.Iterable[bytes] | None = None,
        timeout: int = 300,
        name: str = "",
        sink: Sink | None = None,
    ) -> ExecResult:
        """Run a one-shot container to its end and remove it; *timeout* in seconds; *sink* takes its standard output.

        With a *name*, one of that name that a killed run left behind comes to its end first: two must not run side by side.
        """
        body = {"labels": {specs.LABEL_CLOUD: cloud, specs.LABEL_SERVICE: spec.service}, "stdin_open": stdin is not None}
        if name:
            body["name"] = name
            self.refuse_foreign(name, cloud)
            self._settle(name, timeout)
        # what goes to a sink is data: it must not be in a log too
        identifier = self._create(spec, image_id, "no", body, logged=sink is None)
        try:
            params = {"stdin": int(stdin is not None), "stdout": 1, "stderr": 1, "stream": 1}
            stream = self._call(f"attach to {spec.name}", self._client.attach_socket, identifier, params=params)
            self.start(identifier)
            ended = functools.partial(self._client.wait, identifier, timeout=timeout)
            output = self._call(f"run {spec.name}", converse, stream, stdin, timeout, ended, sink)
            if output.timed_out:
                return ExecResult(124, output.stdout, output.stderr + f"\nstopped after {timeout} s")
            code = self._call(f"wait for {spec.name}", self._client.wait, identifier, timeout=30)["StatusCode"]
            return ExecResult(code, output.stdout, output.stderr)
        finally:
            self.remove(identifier)

    # -- internals ----------------------------------------------------------------------------------------------

    def _after_no_exit_event(self, error: EngineError, name: str) -> ContainerState | None:
        """Return the container after the engine has not been told of its end, None if it is gone; raise any other *error* again."""
        if _NO_EXIT_EVENT not in str(error):
            raise error
        return self.container(name)

    def _settle(self, name: str, timeout: int) -> None:
        """Wait at most *timeout* seconds for a one-shot container to end, and remove it."""
        state = self.container(name)
        if state and state.running:
            with contextlib.suppress(EngineError):  # it takes too long: removing ends it
                self._call(f"wait for {name}", self._client.wait, state.id, timeout=timeout)
        if state:
            self.remove(state.id)

    def _create(self, spec: ContainerSpec, image_id: str, restart_policy: str, body: dict[str, t.Any], logged: bool = True) -> str:
        may_raise = "SYS_RESOURCE" in (capabilities.bounding_set(os.getpid()) or [])
        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        host_config = container_api.host_config(spec, restart_policy)
        host_config["Ulimits"] = container_api.ulimits(spec, allowed, may_raise)
        if not logged:
            host_config["LogConfig"] = {"Type": "none", "Config": {}}
        created = self._call(
            f"create {spec.name}",
            self._client.create_container,
            image=image_id,
            command=spec.command,
            user=spec.user,
            environment={key: str(value) for key, value in spec.env.items()},
            host_config=host_config,
            stop_timeout=spec.stop_timeout,
            healthcheck=container_api.healthcheck(spec.healthcheck),
            **body,
        )
        return created["Id"]


def _reason(error: Exception) -> str:
    """Return the engine's own explanation of *error* on one line."""
    return " ".join(str(getattr(error, "explanation", None) or error).split())
