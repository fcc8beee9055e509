"""`manage.py portal_check`: try every source of a fleet file; say what works, what does not, what would mend it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.sources.checking import SourceCheck, sources_check
from apps.sources.fleetfile import FleetFile, FleetFileInvalid, fleet_file_load


class Command(BaseCommand):
    """One line for each source; exit status 1 when one of them fails, or the file is wrong."""

    help = "Try every source of the fleet file; say, one line each, what works, what does not, and what would mend it."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take --fleet and --json."""
        parser.add_argument("--fleet", default=settings.PORTAL_FLEET, help="the fleet file (default: PORTAL_FLEET)")
        parser.add_argument("--json", action="store_true", dest="as_json", help="the same for machines")

    def handle(self, *args: Any, fleet: str, as_json: bool, **options: Any) -> None:
        """Try them all; raises CommandError for a wrong file, SystemExit(1) when a source fails."""
        if not fleet:
            raise CommandError("name the fleet file: portal_check --fleet fleet.yaml")
        try:
            checks = self._checks(fleet_file_load(path=Path(fleet)), as_lines=not as_json)
        except FleetFileInvalid as error:
            self._refuse(fleet, error, as_json=as_json)
        if as_json:
            self._write_json(fleet, problems=[], checks=checks)
        else:
            failed = sum(not check.is_ok for check in checks)
            self.stdout.write(f"{len(checks) - failed} of {len(checks)} sources work" if checks else "no sources")
        if not all(check.is_ok for check in checks):
            raise SystemExit(1)

    def _checks(self, fleet: FleetFile, *, as_lines: bool) -> list[SourceCheck]:
        checks = []
        for check in sources_check(fleet=fleet):
            checks.append(check)
            if as_lines:
                self.stdout.write(check.line())
        return checks

    def _refuse(self, file: str, error: FleetFileInvalid, *, as_json: bool) -> NoReturn:
        if not as_json:
            raise CommandError(f"the fleet file is wrong:\n{error}") from error
        problems = [{"path": p.path, "message": p.message, "line": p.line} for p in error.problems]
        self._write_json(file, problems=problems, checks=[])
        raise SystemExit(1)

    def _write_json(self, file: str, *, problems: list[dict[str, Any]], checks: list[SourceCheck]) -> None:
        ok = not problems and all(check.is_ok for check in checks)
        data = {"fleet": file, "ok": ok, "problems": problems, "sources": [check.as_data() for check in checks]}
        self.stdout.write(json.dumps(data, indent=2))
