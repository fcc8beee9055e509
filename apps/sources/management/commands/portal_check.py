"""`manage.py portal_check`: try sign-in and every source of a fleet file; say what works, what would mend the rest."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.sources.checking import SourceCheck, SsoCheck, sources_check, sso_check
from apps.sources.fleetfile import FleetFileInvalid, fleet_file_load

Check = TypeVar("Check", SourceCheck, SsoCheck)


class Command(BaseCommand):
    """One line for each thing that signing in needs, and for each source; exit status 1 when one of them fails, or the
    file is wrong.
    """

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
            read = fleet_file_load(path=Path(fleet))
        except FleetFileInvalid as error:
            self._refuse(fleet, error, as_json=as_json)
        sso = self._told(sso_check(sso=read.sso) if read.sso else (), as_lines=not as_json)
        checks = self._told(sources_check(fleet=read), as_lines=not as_json)
        if as_json:
            self._write_json(fleet, problems=[], checks=checks, sso=sso)
        else:
            failed = sum(not check.is_ok for check in checks)
            self.stdout.write(f"{len(checks) - failed} of {len(checks)} sources work" if checks else "no sources")
        if not is_well(sso, checks):
            raise SystemExit(1)

    def _told(self, checks: Iterable[Check], *, as_lines: bool) -> list[Check]:
        """All of them; each is written as soon as it is known."""
        told = []
        for check in checks:
            told.append(check)
            if as_lines:
                self.stdout.write(check.line())
        return told

    def _refuse(self, file: str, error: FleetFileInvalid, *, as_json: bool) -> NoReturn:
        if not as_json:
            raise CommandError(f"the fleet file is wrong:\n{error}") from error
        problems = [{"path": p.path, "message": p.message, "line": p.line} for p in error.problems]
        self._write_json(file, problems=problems, checks=[], sso=[])
        raise SystemExit(1)

    def _write_json(
        self, file: str, *, problems: list[dict[str, Any]], checks: list[SourceCheck], sso: list[SsoCheck]
    ) -> None:
        ok = not problems and is_well(sso, checks)
        told = {"sso": [check.as_data() for check in sso], "sources": [check.as_data() for check in checks]}
        data = {"fleet": file, "ok": ok, "problems": problems, **told}
        self.stdout.write(json.dumps(data, indent=2))


def is_well(sso: list[SsoCheck], checks: list[SourceCheck]) -> bool:
    """Whether everything that was tried works."""
    return all(check.is_ok for check in sso) and all(check.is_ok for check in checks)
