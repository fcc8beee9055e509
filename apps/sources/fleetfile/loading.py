"""A fleet file from text to models, with every mistake told at once."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from apps.core.errors import RuleViolation
from apps.sources.fleetfile.fields import Surroundings
from apps.sources.fleetfile.references import Mistake, did_you_mean, path_text, reference_mistakes
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.fleetfile.sections import Section
from apps.sources.fleetfile.yaml_text import LARGEST, Document, YamlTextError
from apps.sources.fleetfile.yaml_text import Path as KeyPath

MOST_TOLD = 200

PLAIN_WORDS = {
    "missing": "is missing",
    "string_type": "must be text: write it in quotes",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
    "model_type": "must be a mapping of keys and values",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where (`argocd[1].url`), what and what would mend it, on which line (None: not known)."""

    path: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class FleetFileInvalid(RuleViolation):
    """A fleet file cannot be taken; `problems` are all its mistakes, in the order of the file."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        self.file = file
        self.problems = problems
        super().__init__("\n".join(f"{file}:{problem.line or 1}: {problem}" for problem in problems))


def fleet_file_load(*, path: Path, must_exist: bool = True) -> FleetFile:
    """The fleet file at `path`; raises FleetFileInvalid with every mistake.

    With `must_exist` the secrets and the files that it names are looked for too.
    """
    return fleet_file_parse(
        text=fleet_file_text(path=path), file=str(path), folder=path.absolute().parent, must_exist=must_exist
    )


def fleet_file_text(*, path: Path) -> str:
    """The text of the file at `path`; raises FleetFileInvalid when it cannot be read."""
    try:
        if path.stat().st_size > LARGEST:
            raise FleetFileInvalid(str(path), (Problem("", "is larger than 2 MiB"),))
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FleetFileInvalid(str(path), (Problem("", f"cannot be read: {error.strerror}"),)) from error
    except UnicodeDecodeError as error:
        raise FleetFileInvalid(str(path), (Problem("", "is not text in UTF-8"),)) from error


def fleet_file_parse(
    *, text: str, file: str = "fleet.yaml", folder: Path | None = None, must_exist: bool = False
) -> FleetFile:
    """The fleet file that a text holds; relative paths in it start from `folder`. Raises FleetFileInvalid."""
    try:
        document = Document(text)
    except YamlTextError as error:
        raise FleetFileInvalid(file, (Problem("", error.message, error.line),)) from error
    data = {} if document.data is None else document.data
    mistakes = list(reference_mistakes(data))
    try:
        fleet = FleetFile.model_validate(data, context=Surroundings(folder, must_exist))
    except ValidationError as error:
        mistakes += _model_mistakes(error)
    if mistakes:
        raise FleetFileInvalid(file, _problems(document, mistakes)) from None
    return fleet


def _problems(document: Document, mistakes: list[Mistake]) -> tuple[Problem, ...]:
    problems = {Problem(path_text(path), message, document.line_of(path)) for path, message in mistakes}
    in_order = sorted(problems, key=lambda problem: (problem.line or 0, problem.path, problem.message))
    left_out = len(in_order) - MOST_TOLD
    if left_out > 0:
        in_order[MOST_TOLD:] = [Problem("", f"and {left_out} more", in_order[-1].line)]
    return tuple(in_order)


def _model_mistakes(error: ValidationError) -> Iterator[Mistake]:
    for details in error.errors(include_url=False, include_input=False):
        yield details["loc"], _plain(details)


def _plain(details: ErrorDetails) -> str:
    """One of pydantic's errors in plain words; never with the value, which may be a secret in the wrong place."""
    kind, path = details["type"], details["loc"]
    if kind == "extra_forbidden":
        return f"unknown key {str(path[-1])[:100]!r}{did_you_mean(str(path[-1]), _keys_at(path[:-1]))}"
    if kind == "value_error":
        return str(details["ctx"]["error"])
    if kind == "enum":
        return f"must be {details['ctx']['expected']}"
    return PLAIN_WORDS.get(kind) or details["msg"].replace("Input should be", "must be")


def _keys_at(path: KeyPath) -> tuple[str, ...]:
    """The keys that the section at a path knows."""
    section: type[Section] = FleetFile
    for part in path:
        if isinstance(part, str):
            section = _section_in(section.model_fields[part].annotation) or section
    return tuple(field.alias or name for name, field in section.model_fields.items())


def _section_in(annotation: object) -> type[Section] | None:
    """The section that an annotation like `tuple[Cluster, ...]` or `KubernetesAccess | None` is about."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    inner = (_section_in(argument) for argument in typing.get_args(annotation))
    return next((section for section in inner if section is not None), None)
