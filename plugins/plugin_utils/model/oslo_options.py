# SPDX-License-Identifier: Apache-2.0
"""Whether a service of a release reads an option; oslo.config ignores one that it does not know without a word.

The lists are made with the locks of the images, see ``roles/images/files/oslo_options.py``.
"""

from __future__ import annotations

import dataclasses
import difflib
import fnmatch
import functools
import pathlib
import typing as t

#: Sections of all services, because libraries declare them.
_ALL = "*"
#: Options of each section that has an option of this name.
_WITH = "with "
#: Options of each section that an option of DEFAULT names, as in ``fast:file, slow:file``.
_OF = "of "

#: Present name by option, as section and option; empty for an option that is present itself.
Names = t.Mapping[str, str]
Content = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Options:
    """What the services of a release declare, by service and section."""

    sections: t.Mapping[tuple[str, str], Names]

    @functools.cached_property
    def services(self) -> list[str]:
        """Names of the services."""
        return sorted({service for service, _section in self.sections} - {_ALL})

    def names(self, service: str, section: str, content: Content) -> dict[str, str]:
        """Return the options that a service reads in a section; *content* is its whole file."""
        found: dict[str, str] = {}
        for (owner, declared), names in self.sections.items():
            if owner in (service, _ALL) and _fits(declared, section, content):
                # a former name of one may be a present one of another
                found |= {name: present for name, present in names.items() if not present or name not in found}
        for (owner, declared), names in self.sections.items():
            if owner in (service, _ALL) and declared.removeprefix(_WITH) in found and declared.startswith(_WITH):
                found = {**names, **found}
        return found

    def places(self, service: str) -> dict[str, list[str]]:
        """Return the sections in which a service has options of each name."""
        found: dict[str, list[str]] = {}
        for (owner, section), names in self.sections.items():
            if owner in (service, _ALL) and not section.startswith((_WITH, _OF)):
                for name in names:
                    found.setdefault(name, []).append(section)
        return found


@functools.cache
def read(path: pathlib.Path) -> Options | None:
    """Return the options of the list in *path*, or None if there is none."""
    if not path.is_file():
        return None
    sections: dict[tuple[str, str], dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            service, _blank, section = line[1:-1].partition(" ")
            current = sections.setdefault((service, section), {})
        elif line and not line.startswith("#"):
            name, _equals, present = line.partition(" = ")
            current[name] = present
    return Options(sections)


def check(options: Options, service: str, override: Content, content: Content, extra: t.Collection[str]) -> tuple[list[str], list[str]]:
    """Return what is wrong with the names in an override of a file of *service*, and what is out of date.

    Args:
        content: the file before the override.
        extra: patterns as in ``section/option`` of what is read by plugins that the images do not have.
    """
    errors: list[str] = []
    former: list[str] = []
    content = {section: {**_section(content, section), **_section(override, section)} for section in {**content, **override}}
    for section, unknown in _unknown(options, service, override, content, extra).items():
        names = options.names(service, section, content)
        errors += (
            [_no_option(options, service, section, name, names) for name in unknown]
            if names
            else [_no_section(options, [service], section)]
        )
    for section, name in _given(override):
        place, _slash, present = options.names(service, section, content).get(name, "").rpartition("/")
        if present:
            wins = _section(content, place).get(present) is not None
            text = f"[{section}] {name}: is a former name of [{place}] {present}"
            (errors if wins else former).append(f"{text}, which is set and wins; set that instead" if wins else f"{text}; use that")
    return errors, former


def check_shared(options: Options, override: Content, extra: t.Collection[str]) -> list[str]:
    """Return what is wrong with the names in an override of the files of all services: each is to be known to one of them."""
    errors = []
    unknown = [_unknown(options, service, override, {}, extra) for service in options.services]
    for section, name in _given(override):
        if all(name in names.get(section, ()) for names in unknown):
            owner = next((service for service in options.services if options.names(service, section, {})), "")
            names = options.names(owner, section, {})
            errors.append(_no_option(options, owner, section, name, names) if owner else _no_section(options, options.services, section))
    return list(dict.fromkeys(errors))


def _given(override: Content) -> t.Iterator[tuple[str, str]]:
    """Yield section and name of each option that an override sets or removes."""
    for section, values in override.items():
        if isinstance(values, t.Mapping) and values != {"state": "absent"}:
            yield from ((str(section), str(name)) for name in values)


def _unknown(options: Options, service: str, override: Content, content: Content, extra: t.Collection[str]) -> dict[str, list[str]]:
    """Return the options of each section that *service* does not know."""
    found: dict[str, list[str]] = {}
    for section, name in _given(override):
        known = name in options.names(service, section, content)
        if not known and not any(fnmatch.fnmatchcase(f"{section}/{name}", pattern) for pattern in extra):
            found.setdefault(section, []).append(name)
    return found


def _fits(declared: str, section: str, content: Content) -> bool:
    if declared.startswith(_WITH):
        return False
    if declared.startswith(_OF):
        named = str(_section(content, "DEFAULT").get(declared.removeprefix(_OF), ""))
        return section in [item.split(":")[0].strip() for item in named.split(",")]
    # oslo.config does not mind the case of sections, but for DEFAULT
    if "DEFAULT" in (declared, section):
        return declared == section
    return fnmatch.fnmatchcase(section.lower(), declared.lower())


def _section(content: Content, section: str) -> Content:
    found = content.get(section)
    return found if isinstance(found, t.Mapping) else {}


_REMEDY = "if a plugin reads it, add it to cloud_extra_oslo_options"


def _no_section(options: Options, services: list[str], section: str) -> str:
    known = sorted({name for owner, name in options.sections if owner in (*services, _ALL) and not name.startswith((_WITH, _OF))})
    near = [name for name in known if name.lower() == section.lower()] or difflib.get_close_matches(section, known, n=1)
    hint = f"did you mean [{near[0]}]? Otherwise, " if near else ""
    return f"[{section}]: there is no such section in {', '.join(services)}; {hint}{_REMEDY}"


def _no_option(options: Options, service: str, section: str, name: str, names: Names) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    others = options.places(service).get(name, [])
    hint = f"did you mean '{near[0]}'? Otherwise, " if near else f"it belongs to [{others[0]}]. Otherwise, " if others else ""
    return f"[{section}] {name}: {service} has no such option; {hint}{_REMEDY}"
