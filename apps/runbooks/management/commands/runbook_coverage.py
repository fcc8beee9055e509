"""`manage.py runbook_coverage`: how many alerting rules have a runbook, of what the portal holds or of a folder."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.alerts.support import LACKING
from apps.core.text import counted
from apps.runbooks.coverage import Coverage, JudgedRule, coverage_of
from apps.runbooks.coverage_days import held_rules
from apps.runbooks.rule_files import rule_files_read
from apps.runbooks.rules import RuleTold
from apps.sources.fleetfile import FleetFile, FleetFileInvalid, fleet_file_in_force

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
        coverage = coverage_of(fleet, self._read(rules) if rules else held_rules(fleet))
        if coverage.unread:
            what = f"{counted(coverage.unread, 'rule')} link into a runbook source that was not read yet"
            self.stderr.write(f"{what}: counted under not_configured")
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


def order_of(each: JudgedRule) -> tuple[bool, str, str]:
    """SLO rules first, then by what is wrong."""
    return not each.is_slo, each.word, each.rule.name
