# SPDX-License-Identifier: Apache-2.0
"""Configuration formats as data: INI (the oslo.config dialect), YAML and JSON.

INI data is ``{section: {option: value}}``; a list value is an option that is given several times, which
oslo.config calls MultiOpt. Options that stand before the first section belong to ``DEFAULT``. An indented line continues
the option above it, an empty line ends it.
"""

from __future__ import annotations

import contextlib
import json
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils import masking

# it comes with ansible-core on the controller, the only place where formats are read and written
with contextlib.suppress(ImportError):
    import yaml


class FormatError(ValueError):
    """Text cannot be read, or data cannot be written, in the format asked for."""


def render(fmt: str, data: t.Any) -> str:
    """Return *data* as text in *fmt* (``ini``, ``yaml``, ``json``, or ``text`` that is text already).

    Raises:
        FormatError: if the data does not fit the format.
    """
    if fmt == "ini":
        return _render_ini(data)
    if fmt == "yaml":
        return yaml.safe_dump(data, sort_keys=False, default_flow_style=False, allow_unicode=True)
    if fmt == "json":
        return json.dumps(data, indent=2) + "\n"
    if fmt == "text" and isinstance(data, str):
        return data
    if fmt == "text":
        raise FormatError(f"text is expected, not {type(data).__name__}")
    raise FormatError(f"no writer for format '{fmt}'")


def parse(fmt: str, text: str) -> t.Any:
    """Return the data in *text*.

    Raises:
        FormatError: if the text is not valid, with the line where that is known.
    """
    try:
        if fmt == "ini":
            return _parse_ini(text)
        if fmt == "yaml":
            return yaml.safe_load(text) or {}
        if fmt == "json":
            return json.loads(text, parse_constant=_refuse)
    except yaml.MarkedYAMLError as error:
        # PyYAML's own words may quote the text, which may hold secrets
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        # an unquoted text that begins with '*' or '!' is an alias or a tag, and may be a password
        problem = re.sub(
            r"(undefined alias|for the tag) .*", r"\1; put text that begins with * or ! in quotes", error.problem or error.context or ""
        )
        raise FormatError(f"{where}{problem}") from None
    except RecursionError:
        raise FormatError("it is nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:  # such as a date that there is not
        raise FormatError(" ".join(str(error).split())) from error
    raise FormatError(f"no reader for format '{fmt}'")


def _refuse(name: str) -> t.NoReturn:
    raise FormatError(f"{name} is no number in JSON")


def _render_ini(data: t.Any) -> str:
    if not isinstance(data, t.Mapping):
        raise FormatError(f"INI data is a mapping of sections, not {type(data).__name__}")
    blocks = []
    for section, options in data.items():
        if not isinstance(options, t.Mapping):
            raise FormatError(f"section [{section}] is a mapping of options, not {type(options).__name__}")
        if not re.fullmatch(r"[^\]\r\n]+", str(section)):
            raise FormatError(f"'{section}' is no name of a section")
        lines = [f"[{section}]"]
        for option, value in options.items():
            if not re.fullmatch(r"[^\s=\[#;]([^=\r\n]*[^\s=])?", str(option)):
                raise FormatError(f"[{section}] '{option}' is no name of an option")
            values = value if isinstance(value, list) else [value]
            lines += [f"{option} = {_scalar(section, option, item)}".rstrip() for item in values]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _scalar(section: str, option: str, value: t.Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        lines = str(value).strip().splitlines()
        if not all(line.strip() for line in lines):
            raise FormatError(f"[{section}] {option}: an option cannot hold an empty line, which would end it")
        # oslo.config and configparser read an indented line as a continuation of the option
        return "\n    ".join(line.strip() for line in lines)
    raise FormatError(f"[{section}] {option}: an option is text, a number, a boolean or a list of these, not {type(value).__name__}")


def _parse_ini(text: str) -> dict[str, dict[str, t.Any]]:
    data: dict[str, dict[str, t.Any]] = {}
    section, option = "DEFAULT", ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped:
            option = ""
        elif line[0] in " \t" and option:
            _continue(data[section], option, stripped)
        elif stripped[0] in "#;":
            continue
        elif stripped.startswith("["):
            if not stripped.endswith("]") or len(stripped) < 3:
                raise FormatError(f"line {number}: section header '{masking.mask(stripped)}' is not closed")
            section, option = stripped[1:-1].strip(), ""
            data.setdefault(section, {})
        else:
            option = _add(data.setdefault(section, {}), stripped, number)
    return data


def _add(options: dict[str, t.Any], line: str, number: int) -> str:
    name, separator, value = line.partition("=")
    name, value = name.strip(), value.strip()
    if not separator or not name:
        raise FormatError(f"line {number}: expected 'option = value', got '{masking.mask(line)}'")
    if name not in options:
        options[name] = value
    elif isinstance(options[name], list):
        options[name].append(value)
    else:
        options[name] = [options[name], value]
    return name


def _continue(options: dict[str, t.Any], option: str, line: str) -> None:
    current = options[option]
    if isinstance(current, list):
        current[-1] += "\n" + line
    else:
        options[option] = current + "\n" + line
