"""Alerting rules of a folder of YAML files: Kubernetes' PrometheusRules and Prometheus' own rule files.

A file that cannot be read is told by its name, and the others are read all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .rules import RuleTold

ENDINGS = frozenset({".yaml", ".yml", ".rules"})
LARGEST = 8 * 1_048_576
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}
DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+|0")
PART = re.compile(r"(\d+)(ms|[smhdwy])")
LISTS = ("items", "objects")


@dataclass
class RuleFiles:
    """What a folder holds: its alerting rules, and "file: why" for everything that could not be read."""

    rules: list[RuleTold] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class RuleLoader(yaml.SafeLoader):
    """PyYAML's safe loader that leaves every scalar but null the text that it is, as Prometheus reads labels."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def rule_files_read(folder: Path) -> RuleFiles:
    """All rules below the folder, or of one file. Raises FileNotFoundError where there is neither."""
    if not folder.exists():
        raise FileNotFoundError(f"{folder} is not there")
    found = RuleFiles()
    for path in [folder] if folder.is_file() else sorted(_paths(folder)):
        name = path.name if path == folder else str(path.relative_to(folder))
        try:
            _read(path, name, found)
        except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
            found.problems.append(f"{name}: {_why(error)}")
    return found


def _paths(folder: Path) -> Iterator[Path]:
    """Files that may hold rules; what is hidden (.git) is left out."""
    for path in folder.rglob("*"):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix in ENDINGS and not is_hidden and not path.is_dir():
            yield path


def _read(path: Path, name: str, found: RuleFiles) -> None:
    if not path.is_file():
        raise ValueError("is not a file that can be read")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"is larger than {LARGEST // 1_048_576} MiB")
    rules: list[RuleTold] = []
    for document in yaml.load_all(path.read_bytes(), RuleLoader):
        for group in _groups_of(document):
            rules += _rules_of(group, name, found.problems)
    found.rules += rules


def _groups_of(document: Any) -> Iterator[Any]:
    """The groups of a rule file, of a PrometheusRule, or of those in a List or a Template."""
    if not isinstance(document, dict):
        return
    listed = [each for key in LISTS if isinstance(document.get(key), list) for each in document[key]]
    for each in (document, *listed):
        spec = each.get("spec") if isinstance(each, dict) else None
        for holder in (each, spec):
            groups = holder.get("groups") if isinstance(holder, dict) else None
            yield from groups if isinstance(groups, list) else ()


def _rules_of(group: Any, file: str, problems: list[str]) -> Iterator[RuleTold]:
    name = _text(group.get("name")) if isinstance(group, dict) else ""
    rules = (group.get("rules") or []) if isinstance(group, dict) else None
    if not isinstance(rules, list):
        problems.append(f"{file}: the group “{name}” is not one of rules")
        return
    for number, rule in enumerate(rules, 1):
        if isinstance(rule, dict) and _text(rule.get("alert")):
            yield _rule(rule, name, file, problems)
        elif not isinstance(rule, dict) or not rule.get("record"):
            problems.append(f"{file}: rule {number} of the group “{name}” is neither an alert nor a record")


def _rule(rule: dict[str, Any], group: str, file: str, problems: list[str]) -> RuleTold:
    name, lasts = _text(rule["alert"]), _text(rule.get("for")).strip()
    odd = [key for key in ("labels", "annotations") if not isinstance(rule.get(key) or {}, dict)]
    problems += [f"{file}: the {key} of {name} are no names with values" for key in odd]
    if lasts and not DURATION.fullmatch(lasts):
        problems.append(f"{file}: {name} has “for: {lasts}”, which is not a duration")
    return RuleTold(
        name=name,
        group=group,
        file=file,
        query=_text(rule.get("expr")),
        duration=sum(int(number) * UNITS[unit] for number, unit in PART.findall(lasts)),
        labels=_texts(rule.get("labels")),
        annotations=_texts(rule.get("annotations")),
    )


def _texts(told: Any) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in told.items()} if isinstance(told, dict) else {}


def _text(value: Any) -> str:
    """A scalar as it was written; "" for null, and for a list or a mapping where a text belongs."""
    return value if isinstance(value, str) else ""


def _why(error: Exception) -> str:
    """What is wrong with a file, in one line, with the line of the file where that is known."""
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return f"{error.problem or 'is not YAML'}" + (f" (line {mark.line + 1})" if mark else "")
    if isinstance(error, yaml.reader.ReaderError):
        return f"holds a character that YAML does not allow: {error.reason}"
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
