"""Coverage's numbers: decision 27, of any rules, and of the real ones as a few loops count them."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from apps.alerts.models import Rule
from apps.alerts.support import RunbookWord
from apps.core.tones import Tone
from apps.runbooks.coverage import COUNTS, coverage_of
from apps.runbooks.models import Runbook, RunbookTree
from apps.runbooks.rule_files import rule_files_read
from apps.runbooks.rules import RuleTold
from apps.sources.fleetfile.schema import FleetFile
from tests.fleet_in_force import FleetFileOfTest
from tests.runbooks.real_rules import SOP, counted_in_yaml, linked_files, rules_folder

BASE = "https://runbooks.example/blob/main/"
NOW = timezone.now()
SLO = {"severity": "critical", "slo": "true"}


def fleet_with(shape: str = f"{BASE}<path>", **more: Any) -> FleetFile:
    source = {"name": "sop", "folder": "/srv/sop", "urls": [shape]}
    return FleetFile.model_validate({"runbooks": [source], **more})


def told(name: str = "A", url: str | None = None, **labels: str) -> RuleTold:
    return RuleTold(name, labels=labels, annotations={} if url is None else {"runbook_url": url})


def runbooks(*paths: str, is_whole: bool = True) -> None:
    RunbookTree.objects.create(source="sop", read_at=NOW, is_whole=is_whole)
    Runbook.objects.bulk_create([Runbook(source="sop", path=path, text="# x", read_at=NOW) for path in paths])


RULES = [
    told("Without"),
    told("Empty", " ", **SLO),
    told("There", f"{BASE}a.md?ref_type=heads#first-steps", **SLO),
    told("Line", f"{BASE}a.md\n"),
    told("Dead", f"{BASE}b.md", **SLO),
    told("Elsewhere", "https://wiki.example/a.md", **SLO),
    told("Script", "javascript:alert(1)", **SLO),
    told("Words", "ask in the channel"),
]


def test_each_rule_counts_once(db: None) -> None:
    runbooks("a.md")
    counts = coverage_of(fleet_with(), RULES).counts
    assert counts == {
        "rules": 8,
        "with_runbook": 2,
        "without": 1,
        "empty": 1,
        "dead": 1,
        "not_configured": 3,
        "slo_rules": 5,
        "slo_without": 2,
    }
    assert tuple(counts) == COUNTS


def test_without_a_source_every_url_is_not_configured_and_nothing_is_asked(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        counts = coverage_of(FleetFile(), RULES).counts
    assert (counts["not_configured"], counts["with_runbook"], counts["dead"], counts["slo_without"]) == (6, 0, 0, 2)


def test_until_its_source_was_read_nothing_is_said_of_a_runbook(db: None) -> None:
    found = coverage_of(fleet_with(), [told("A", f"{BASE}a.md", **SLO)])
    assert (found.rules[0].word, found.rules[0].tone, found.unread) == (RunbookWord.UNREAD, Tone.UNKNOWN, 1)
    assert found.rules[0].support.words == "not known yet: its runbook was never read"
    assert (found.counts["dead"], found.counts["not_configured"]) == (0, 1)


def test_each_rule_has_its_verdict_and_its_tone(db: None) -> None:
    runbooks("a.md")
    judged = {each.rule.name: each for each in coverage_of(fleet_with(), RULES).rules}
    assert {name: (each.word.value, each.tone.value) for name, each in judged.items()} == {
        "Without": ("none", "warning"),
        "Empty": ("empty", "critical"),
        "There": ("found", "well"),
        "Line": ("found", "well"),
        "Dead": ("dead", "critical"),
        "Elsewhere": ("not-configured", "unknown"),
        "Script": ("no-address", "critical"),
        "Words": ("no-address", "warning"),
    }
    assert judged["There"].support.page == "/runbooks/sop/a.md/#rb-first-steps"
    assert judged["Dead"].support.words == "not supported: its runbook is not there"


def test_which_rules_are_slo_and_control_plane_is_the_fleet_files_word(db: None) -> None:
    fleet = fleet_with(alerts={"slo": 'pages="yes"', "control_plane": 'plane=~"control|both"'})
    found = coverage_of(fleet, [told("A", pages="yes"), told("B", **SLO), told("C", plane="both")])
    assert [each.is_slo for each in found.rules] == [True, False, False]
    assert (found.counts["slo_rules"], found.counts["slo_without"]) == (1, 1)
    assert found.rules[2].support.words == "supported by AppSRE: control plane"


def test_the_real_rules_are_counted_as_loops_over_the_yaml_count_them() -> None:
    folder = rules_folder()
    counts = coverage_of(FleetFile(), rule_files_read(folder).rules).counts
    assert counts == counted_in_yaml(folder)
    assert counts["rules"] > 100
    assert counts["empty"] > 0 < counts["without"]


def test_so_are_they_with_a_source_that_has_half_of_their_runbooks(db: None) -> None:
    folder = rules_folder()
    there = linked_files(folder)[::2]
    runbooks(*there)
    counts = coverage_of(fleet_with(f"{SOP}<path>"), rule_files_read(folder).rules).counts
    assert counts == counted_in_yaml(folder, frozenset(there), has_source=True)
    assert counts["dead"] > 0 < counts["with_runbook"]


Printed = Callable[..., tuple[str, str]]


@pytest.fixture
def printed() -> Printed:
    """The command's stdout and stderr."""

    def run(*arguments: str) -> tuple[str, str]:
        out, errors = StringIO(), StringIO()
        call_command("runbook_coverage", *arguments, stdout=out, stderr=errors)
        return out.getvalue(), errors.getvalue()

    return run


def test_the_command_prints_the_counts_of_a_folder_alone_without_database_and_fleet_file(
    printed: Printed, tmp_path: Path, settings: Settings
) -> None:
    settings.PORTAL_FLEET = ""
    (tmp_path / "a.yaml").write_text("groups: [{name: g, rules: [{alert: A, labels: {slo: 'true'}}]}]")
    (tmp_path / "b.yaml").write_text("groups: [")
    out, errors = printed("--rules", str(tmp_path), "--json")
    assert json.loads(out) == {**dict.fromkeys(COUNTS, 0), "rules": 1, "without": 1, "slo_rules": 1, "slo_without": 1}
    assert list(json.loads(out)) == list(COUNTS)
    assert errors.startswith("left out: b.yaml: ")


def test_the_command_counts_what_the_portal_holds_of_the_fleet_files_prometheuses(
    printed: Printed, db: None, settings: Settings, tmp_path: Path
) -> None:
    FleetFileOfTest(tmp_path, settings).put("prometheuses: [{name: appsre, url: http://127.0.0.1:9}]")
    for prometheus, url in (("appsre", ""), ("appsre", "https://wiki.example/a"), ("left", "")):
        annotations = {"runbook_url": url}
        Rule.objects.create(prometheus=prometheus, group="g", name=f"A{url}", annotations=annotations, labels=SLO)
    out, errors = printed("--json")
    expected = {"rules": 2, "empty": 1, "not_configured": 1, "slo_rules": 2, "slo_without": 1}
    assert json.loads(out) == {**dict.fromkeys(COUNTS, 0), **expected}
    assert errors == ""


def test_its_table_names_the_rules_that_lack_one_slo_rules_first(printed: Printed, tmp_path: Path) -> None:
    rules = (
        "[{alert: A}, {alert: B, labels: {slo: 'true'}}, {alert: C, annotations: {runbook_url: 'https://x.example'}}]"
    )
    (tmp_path / "a.yaml").write_text(f"groups: [{{name: g, rules: {rules}}}]")
    lines = printed("--rules", str(tmp_path))[0].splitlines()
    assert lines[0].split() == ["3", "alerting", "rules"]
    assert lines[-2:] == ["SLO B: not supported: no runbook (a.yaml)", "    A: not supported: no runbook (a.yaml)"]


def link_to(path: str) -> str:
    return f"groups: [{{name: g, rules: [{{alert: A, annotations: {{runbook_url: '{BASE}{path}'}}}}]}}]"


def source_in(folder: Path) -> str:
    return f"runbooks: [{{name: sop, folder: {folder}, urls: ['{BASE}<path>']}}]"


def test_a_source_of_runbooks_that_was_never_read_is_read_first(
    printed: Printed, db: None, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "sop").mkdir()
    (tmp_path / "sop" / "a.md").write_text("# A")
    FleetFileOfTest(tmp_path, settings).put(source_in(tmp_path / "sop"))
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(link_to("a.md"))
    (tmp_path / "rules" / "b.yaml").write_text(link_to("b.md"))
    out, errors = printed("--rules", str(tmp_path / "rules"), "--json")
    assert (json.loads(out)["with_runbook"], json.loads(out)["dead"]) == (1, 1)
    assert errors == ""


def test_links_into_a_source_that_cannot_be_read_are_told_beside_the_numbers(
    printed: Printed, db: None, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "sop").mkdir()
    FleetFileOfTest(tmp_path, settings).put(source_in(tmp_path / "sop"))
    (tmp_path / "sop").rmdir()
    (tmp_path / "a.yaml").write_text(link_to("a.md"))
    out, errors = printed("--rules", str(tmp_path / "a.yaml"), "--json")
    assert (json.loads(out)["not_configured"], json.loads(out)["dead"]) == (1, 0)
    told = "rules whose link leads into a runbook source that could not be read: 1"
    assert errors == f"{told}, counted under not_configured\n"


def test_a_folder_that_is_not_there_and_a_wrong_fleet_file_are_errors(
    printed: Printed, tmp_path: Path, settings: Settings
) -> None:
    with pytest.raises(CommandError, match="nowhere is not there"):
        printed("--rules", str(tmp_path / "nowhere"))
    (tmp_path / "fleet.yaml").write_text("rules: {}")
    settings.PORTAL_FLEET = str(tmp_path / "fleet.yaml")
    with pytest.raises(CommandError, match="the fleet file is wrong"):
        printed("--rules", str(tmp_path))
