"""What is written from the models: docs/fleet.schema.json for editors, docs/configuration.md for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from apps.core.durations import duration_text
from apps.core.matchers import LabelMatcher
from apps.sources.fleetfile.schema import Connection, FleetFile
from apps.sources.fleetfile.sections import Section

Schema = Mapping[str, Any]

INTRODUCTION = """\
# The fleet file

<!-- Written by `manage.py portal_schema` from the models in apps/sources/fleetfile: change those. -->

One YAML file says what the portal watches: clusters, Argo CD instances, Alertmanagers, Prometheus servers, runbooks, and
what the labels of alerts mean. `docs/fleet.example.yaml` is a complete one with comments. With

```yaml
# yaml-language-server: $schema=docs/fleet.schema.json
```

as its first line, editors that know YAML schemas complete its keys and underline mistakes.

* **Try it**: `manage.py portal_check --fleet fleet.yaml` reads every source once and says, one line each, what works, what
  does not, and what would mend it. It needs no database.
* **Mistakes** are told all at once, each by its line and its path in the file (`argocd[1].url`). Nothing starts with a
  wrong file. An unknown key is a mistake, and so are a key that stands twice, and YAML's aliases.
* **Changes** are taken in while the portal runs, within seconds and after the same check. A file with mistakes is kept out
  and its mistakes stand on the Sources page; the one before stays in force.
* **Order** matters in `environments` (the order in which changes reach them) and in `owners`, `policies` and
  `runbooks` (the first that fits).

## Kinds of value

| kind | what it is |
|---|---|
| duration | `30s`, `1h30m`, `2d` (`w`, `d`, `h`, `m`, `s`, in this order), or a number of seconds. `interval` is from 5s to 1h, `connect_timeout` from 1s to 1m, `deadline` from 1s to 5m. |
| secret | Where a secret is, never the secret: `env:NAME` (a variable of the portal's environment) or `file:PATH`. A file is read again when it changes. |
| path of a file, path of a folder | Absolute, or from the fleet file's folder. |
| URL | Begins with `http://` or `https://`; no user name, no password, no `?`. |
| name | Letters, digits, `.`, `_` and `-`, at most 100. |
| matchers | As in Alertmanager, with `=`, `!=`, `=~` and `!~` (RE2): `'team=~"build|infra", severity!="info"'`. All of them must hold. |
"""  # noqa: E501


def json_schema_text() -> str:
    """The JSON schema of a fleet file, as the text of docs/fleet.schema.json."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **_without_titles(_schema())}
    schema["title"] = "Fleet file of the Stonesoup portal"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def configuration_text() -> str:
    """The reference of all keys, as the text of docs/configuration.md."""
    schema = _schema()
    sections = (_section(f"`{key}`", value, schema["$defs"]) for key, value in schema["properties"].items())
    return "\n".join([INTRODUCTION, *sections])


class _Generator(GenerateJsonSchema):
    """Writes defaults as the fleet file would have them."""

    def encode_default(self, dft: Any) -> Any:
        """A default in plain values; that of a whole section is told key by key, so nothing of it here."""
        if isinstance(dft, Section):
            return {}
        if isinstance(dft, timedelta):
            return duration_text(dft)
        if isinstance(dft, tuple) and any(isinstance(item, LabelMatcher) for item in dft):
            return ", ".join(map(str, dft))
        return super().encode_default(dft)


def _schema() -> dict[str, Any]:
    return FleetFile.model_json_schema(schema_generator=_Generator)


def _without_titles(value: Any) -> Any:
    """The same schema without the titles that pydantic makes of the names."""
    if isinstance(value, dict):
        return {
            key: _without_titles(inner) for key, inner in value.items() if key != "title" or isinstance(inner, dict)
        }
    return [_without_titles(inner) for inner in value] if isinstance(value, list) else value


def _section(title: str, schema: Schema, definitions: Schema) -> str:
    """A heading, what the section is, a table of its keys, and the same for each section in it."""
    name = _definition_name(schema)
    meaning = _meaning(schema, definitions)
    lead = f"{_kind(schema, definitions).capitalize()}. {meaning}"
    if name is None:
        return f"## {title}\n\n{lead}\n"
    definition = definitions[name]
    parts = [f"## {title}\n\n{lead}\n", _table(definition, definitions)]
    for key, value in definition["properties"].items():
        inner = _definition_name(value)
        if inner is not None and "properties" in definitions[inner]:
            parts.append("#" + _section(f"{title[:-1]}.{key}`", value, definitions))
    return "\n".join(parts)


def _table(definition: Schema, definitions: Schema) -> str:
    required = definition.get("required", [])
    keys = sorted(
        definition["properties"].items(), key=lambda item: (item[0] not in required, item[0] in Connection.model_fields)
    )
    rows = (_row(key, value, key in required, definitions) for key, value in keys)
    return "\n".join(["| key | kind | default | what it says |", "|---|---|---|---|", *rows, ""])


def _row(key: str, schema: Schema, is_required: bool, definitions: Schema) -> str:
    default = "**required**" if is_required else _shown(schema.get("default"))
    cells = (f"`{key}`", _kind(schema, definitions), default, _meaning(schema, definitions))
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _meaning(schema: Schema, definitions: Schema) -> str:
    """A key's description, else that of the section under it."""
    return str(schema.get("description") or definitions.get(_definition_name(schema) or "", {}).get("description", ""))


def _shown(default: Any) -> str:
    """A default as the fleet file would have it; nothing for what is simply not there."""
    if default in (None, [], "") or isinstance(default, dict):
        return ""
    if isinstance(default, list):
        return ", ".join(f"`{item}`" for item in default)
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"


def _kind(schema: Schema, definitions: Schema) -> str:
    if "$comment" in schema:
        return str(schema["$comment"])
    if "$ref" in schema:
        definition = definitions[schema["$ref"].rsplit("/", 1)[-1]]
        return " or ".join(f"`{value}`" for value in definition["enum"]) if "enum" in definition else "mapping"
    if "anyOf" in schema:
        return _kind(next(_not_null(schema["anyOf"])), definitions)
    if schema.get("type") == "array":
        return f"list of {_plural(_kind(schema['items'], definitions))}" if "items" in schema else "empty list"
    words = {
        "boolean": "`true` or `false`",
        "integer": "whole number",
        "string": "text",
        "null": "empty",
        "object": "mapping",
    }
    return words[schema["type"]]


def _plural(kind: str) -> str:
    return {"whole number": "whole numbers", "text": "texts"}.get(kind, kind if "`" in kind else f"{kind}s")


def _not_null(schemas: list[Schema]) -> Iterator[Schema]:
    return (schema for schema in schemas if schema.get("type") != "null")


def _definition_name(schema: Schema) -> str | None:
    """The name of the definition that a key's value, or each item of its list, follows."""
    for inner in (schema, schema.get("items", {}), *_not_null(schema.get("anyOf", []))):
        if "$ref" in inner:
            return str(inner["$ref"]).rsplit("/", 1)[-1]
    return None
