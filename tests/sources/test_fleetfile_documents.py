"""What is written from the models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.sources.fleetfile.documents import configuration_text, json_schema_text
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.management.commands import portal_schema

DOCS = Path(__file__).parents[2] / "docs"


def test_the_written_documents_are_up_to_date() -> None:
    call_command("portal_schema", "--check")


def test_documents_that_are_out_of_date_are_told_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal_schema, "DOCS", tmp_path)
    with pytest.raises(CommandError, match=r"out of date: docs/fleet\.schema\.json, docs/configuration\.md"):
        call_command("portal_schema", "--check")
    call_command("portal_schema")
    call_command("portal_schema", "--check")


def test_the_schema_refuses_unknown_keys_and_knows_each_section() -> None:
    schema = json.loads(json_schema_text())
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(FleetFile.model_fields)
    assert schema["$defs"]["ArgoCD"]["required"] == ["name", "url"]
    assert schema["$defs"]["Alertmanager"]["properties"]["interval"]["default"] == "15s"


def test_every_key_has_its_words() -> None:
    text = configuration_text()
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 90
    assert all(len(cells) == 4 or "| |" in " | ".join(cells) for cells in rows)
    assert all(cells[-1].strip(" |") for cells in rows)
