# SPDX-License-Identifier: Apache-2.0
"""Configuration formats as data: INI (the oslo.config dialect), YAML and JSON.

INI data is ``{section: {option: value}}``; a list value is an option that is given several times, which
oslo.config calls MultiOpt. INI text is read exactly as oslo.config reads it: the first of ``=`` and ``:`` ends the name of an option,
an indented line continues the option above it, an empty line or a comment ends it, and an option needs a section.
YAML and JSON are refused if a mapping has a key twice, of which their parsers would drop one without a word.
"""

from __future__ import annotations

import contextlib
import json
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import masking

# it comes with ansible-core on the controller, the only place where formats are read and written
with contextlib.suppress(ImportError):
    import yaml


#: Largest text that is read, in characters, and most values that it may hold; YAML aliases count as often as they are used.
MAX_TEXT = 1 << 20
MAX_VALUES = 100_000
#: So many characters of one text count as a further value.
_TEXT_OF_VALUE = 100


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
        FormatError: if the text is not valid or too large, with the line where that is known.
    """
    if len(text) > MAX_TEXT:
        raise FormatError(f"it has {len(text)} characters; at most {MAX_TEXT} are read")
    try:
        if fmt == "ini":
            return _parse_ini(text)
        if fmt == "yaml":
            return _parse_yaml(text)
        if fmt == "json":
            return json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
    except yaml.MarkedYAMLError as error:
        # PyYAML's own words may quote the text, which may hold secrets
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        # an unquoted text that begins with '*' or '!' is an alias or a tag, and may be a password
        problem = re.sub(
            r"(undefined alias|for the tag) .*", r"\1; put text that begins with * or ! in quotes", error.problem or error.context or ""
        )
        raise FormatError(f"{where}{problem}") from None
    except FormatError:
        raise
    except RecursionError:
        raise FormatError("it is nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:  # such as a date that there is not
        raise FormatError(" ".join(str(error).split())) from error
    raise FormatError(f"no reader for format '{fmt}'")


def _parse_yaml(text: str) -> t.Any:
    """Return the data of a document, or an empty mapping if there is none."""
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return {}
        _count(root, {})
        data = loader.construct_document(root)
        return {} if data is None else data
    finally:
        loader.dispose()


def _count(node: yaml.Node, counted: dict[int, int]) -> int:
    """Return how many values *node* holds when its aliases are resolved; *counted* has those of the nodes seen before."""
    if id(node) in counted:
        return counted[id(node)]
    if isinstance(node, yaml.ScalarNode):
        values = 1 + len(node.value) // _TEXT_OF_VALUE
    elif isinstance(node, yaml.MappingNode):
        twice = repeated_key(node)
        if twice:
            line, first, name = twice
            raise FormatError(f"line {line}: key '{name}' is given twice, first in line {first}")
        values = 1 + sum(_count(key, counted) + _count(value, counted) for key, value in node.value)
    else:
        values = 1 + sum(_count(item, counted) for item in node.value)
    if values > MAX_VALUES:
        raise FormatError(f"line {node.start_mark.line + 1}: with its aliases resolved it has more than {MAX_VALUES} values")
    counted[id(node)] = values
    return values


def repeated_key(node: yaml.MappingNode) -> tuple[int, int, str] | None:
    """Return, if a key of a mapping is given twice, in which line, in which line first, and the key.

    Those that ``<<`` brings in are weaker by design.
    """
    lines: dict[tuple[str, str], int] = {}
    for key, _value in node.value:
        line = key.start_mark.line + 1
        if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
            if (key.tag, key.value) in lines:
                return line, lines[key.tag, key.value], key.value
            lines[key.tag, key.value] = line
    return None


def _unique(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    """Return the mapping of *pairs* of a JSON object, none of which may be lost."""
    found: dict[str, t.Any] = {}
    for key, value in pairs:
        if key in found:
            raise FormatError(f"key '{key}' is given twice in one object")
        found[key] = value
    return found


def _refuse(name: str) -> t.NoReturn:
    raise FormatError(f"{name} is not a JSON number")


def _render_ini(data: t.Any) -> str:
    if not isinstance(data, t.Mapping):
        raise FormatError(f"INI data is a mapping of sections, not {type(data).__name__}")
    blocks = []
    for section, options in data.items():
        if not isinstance(options, t.Mapping):
            raise FormatError(f"section [{section}] is a mapping of options, not {type(options).__name__}")
        if not re.fullmatch(r"[^\]\r\n]+", str(section)):
            raise FormatError(f"'{section}' is not a section name")
        lines = [f"[{section}]"]
        for option, value in options.items():
            if not re.fullmatch(r"[^\s=:\[#;]([^=:\r\n]*[^\s=:])?", str(option)):
                raise FormatError(f"[{section}] '{option}' is not an option name")
            values = value if isinstance(value, list) else [value]
            lines += [f"{option} = {_scalar(section, option, item)}".rstrip() for item in values]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _scalar(section: str, option: str, value: t.Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        # an indented line continues the option, also if there is nothing in the first one
        lines = _lines(str(value).strip(" \t").rstrip())
        if not all(line.strip() for line in lines[1:]):
            raise FormatError(f"[{section}] {option}: an option cannot hold an empty line, which would end it")
        # oslo.config and configparser read an indented line as a continuation of the option
        return "\n    ".join(line.strip() for line in lines)
    raise FormatError(f"[{section}] {option}: an option is text, a number, a boolean or a list of these, not {type(value).__name__}")


def _lines(text: str) -> list[str]:
    """Return the lines of *text* as files have them: other characters that Unicode calls line breaks are part of a line."""
    return re.split(r"\r\n|\r|\n", text)


def _parse_ini(text: str) -> dict[str, dict[str, t.Any]]:
    data: dict[str, dict[str, t.Any]] = {}
    section = option = ""
    for number, line in enumerate(map(str.rstrip, _lines(text)), 1):
        if not line or line[0] in "#;":
            option = ""
        elif line[0] in " \t":
            if not option:
                raise FormatError(
                    f"line {number}: it is indented, but does not continue an option; "
                    "begin options, sections and comments in the first column"
                )
            _continue(data[section], option, line.strip())
        elif line[0] == "[":
            section, option = _section(line, number), ""
            data.setdefault(section, {})
        elif not section:
            raise FormatError(f"line {number}: an option before the first section; write [DEFAULT] above it if that is meant")
        else:
            option = _add(data[section], line, number)
    return data


def _section(line: str, number: int) -> str:
    if not line.endswith("]") or len(line) < 3:
        raise FormatError(f"line {number}: section header '{masking.mask(line)}' is not closed")
    if line[1:-1] != line[1:-1].strip():
        raise FormatError(
            f"line {number}: section header '{masking.mask(line)}' has spaces inside its brackets, which would be part of the name"
        )
    return line[1:-1]


def _add(options: dict[str, t.Any], line: str, number: int) -> str:
    name, *rest = (part.strip() for part in re.split("[=:]", line, maxsplit=1))
    if not rest or not name:
        # what stands there may be a secret
        raise FormatError(f"line {number}: expected 'option = value'")
    value = rest[0]
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
