"""`manage.py portal_schema`: write the fleet file's JSON schema and reference from the models."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.sources.fleetfile.documents import configuration_text, json_schema_text

DOCS = Path(__file__).resolve().parents[4] / "docs"


class Command(BaseCommand):
    """Writes the documents, or tells with --check that they are out of date."""

    help = "Write docs/fleet.schema.json and docs/configuration.md from the fleet file's models."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take --check."""
        parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 when one is out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write or compare; raises CommandError for what is out of date."""
        texts = {DOCS / "fleet.schema.json": json_schema_text(), DOCS / "configuration.md": configuration_text()}
        changed = {path: text for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text}
        if changed and options["check"]:
            names = ", ".join(f"docs/{path.name}" for path in changed)
            raise CommandError(f"out of date: {names}; run manage.py portal_schema")
        for path, text in changed.items():
            path.write_text(text, "utf-8")
            self.stdout.write(f"wrote docs/{path.name}")
