"""`manage.py runbook_coverage`: how many alerting rules have a runbook, of what the portal holds or of a folder."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from apps.alerts.support import LACKING
from apps.runbooks.coverage import Coverage, JudgedRule, coverage_of
from apps.runbooks.coverage_days import held_rules
from apps.runbooks.models import RunbookTree
from apps.runbooks.reading import runbooks_read
from apps.runbooks.rule_files import rule_files_read
from apps.runbooks.rules import RuleTold
from apps.sources.catalog import SourceKind, sources_of
from apps.sources.fleetfile import FleetFile, FleetFileInvalid, fleet_file_in_force
from apps.sources.reading import source_read
from apps.sources.services import sources_align

TITLES = {
    "rules": "alerting rules",
    "with_runbook": "have a runbook that is there",
    "without": "have no runbook_url",
    "empty": "have an empty runbook_url",
    "dead": "link a runbook that is not there",
    "not_configured": "link something that no runbook source covers",
    "slo_rules": "are on a service-level objective",
    "slo_without": "of these have no usable runbook_url",
}


class Command(BaseCommand):
    """Counts, or a table of them with the rules that lack a runbook. A file that cannot be read is told on stderr."""

    help = "Count the alerting rules by what is known of their runbooks (decision 27)."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take --rules and --json."""
        told = "a folder of PrometheusRules or rule files, or one file, instead of the rules that the portal holds"
        parser.add_argument("--rules", type=Path, metavar="DIR", help=told)
        parser.add_argument("--json", action="store_true", dest="as_json", help="the counts alone, for machines")

    def handle(self, *args: Any, rules: Path | None, as_json: bool, **options: Any) -> None:
        """Count; raises CommandError where there is no such folder, or the fleet file is wrong."""
        fleet = self._fleet()
        try:
            runbooks_read_first(fleet)
            coverage = coverage_of(fleet, self._read(rules) if rules else held_rules(fleet))
        except DatabaseError as error:
            raise CommandError(f"the portal's database cannot be asked (is it migrated?): {error}") from error
        if coverage.unread:
            told = f"rules whose link leads into a runbook source that could not be read: {coverage.unread}"
            self.stderr.write(f"{told}, counted under not_configured")
        if as_json:
            self.stdout.write(json.dumps(coverage.counts))
        else:
            self._write_table(coverage)

    def _fleet(self) -> FleetFile:
        """The fleet file of PORTAL_FLEET; without one, what a fleet file says where it says nothing."""
        if not settings.PORTAL_FLEET:
            return FleetFile()
        try:
            return fleet_file_in_force()
        except FleetFileInvalid as error:
            raise CommandError(f"the fleet file is wrong:\n{error}") from error

    def _read(self, folder: Path) -> list[RuleTold]:
        try:
            found = rule_files_read(folder)
        except FileNotFoundError as error:
            raise CommandError(str(error)) from error
        for problem in found.problems:
            self.stderr.write(f"left out: {problem}")
        return found.rules

    def _write_table(self, coverage: Coverage) -> None:
        for name, count in coverage.counts.items():
            self.stdout.write(f"{count:>6} {TITLES[name]}")
        lacking = sorted((each for each in coverage.rules if each.word in LACKING), key=order_of)
        for each in lacking:
            slo = "SLO " if each.is_slo else "    "
            where = each.rule.file or each.rule.prometheus
            self.stdout.write(f"{slo}{each.rule.name}: {each.support.words} ({where})")


def runbooks_read_first(fleet: FleetFile) -> None:
    """Reads the sources of runbooks that were never read; those that were are as the portal keeps them."""
    known = set(RunbookTree.objects.values_list("source", flat=True)) if fleet.runbooks else set()
    missing = [each for each in sources_of(fleet) if each.kind is SourceKind.RUNBOOKS and each.group not in known]
    if missing:
        sources_align(fleet=fleet)
    for spec in missing:
        source_read(key=spec.key, read=runbooks_read)


def order_of(each: JudgedRule) -> tuple[bool, str, str]:
    """SLO rules first, then by what is wrong."""
    return not each.is_slo, each.word, each.rule.name
