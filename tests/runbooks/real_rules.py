"""The real rule files, and what a few loops count in them: nothing here is the portal's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.servers import left_out

DATA = Path(__file__).parents[3] / "shared" / "data" / "o11y"
SOP = "https://gitlab.cee.redhat.com/konflux/docs/sop/-/blob/main/"


def rules_folder() -> Path:
    """The folder with the real rules, or the test is left out."""
    folder = DATA / "rhobs"
    if not folder.is_dir():
        left_out("coverage of the real rules: ../shared/data/o11y is not there")
    return folder


def rules_in_yaml(folder: Path) -> Iterator[dict[str, Any]]:
    """Every alerting rule of the folder, as YAML has it."""
    for path in sorted(folder.rglob("*.y*ml")):
        for document in yaml.safe_load_all(path.read_text()):
            for group in ((document or {}).get("spec") or {}).get("groups") or []:
                yield from (rule for rule in group["rules"] if "alert" in rule)


def counted_in_yaml(folder: Path, there: frozenset[str] = frozenset(), has_source: bool = False) -> dict[str, int]:
    """Decision 27's numbers, counted by hand: `there` are the files that a source of all that lies under SOP has."""
    counts = dict.fromkeys(("rules", "with_runbook", "without", "empty", "dead", "not_configured"), 0)
    counts |= {"slo_rules": 0, "slo_without": 0}
    for rule in rules_in_yaml(folder):
        annotations, labels = rule.get("annotations") or {}, rule.get("labels") or {}
        url = (annotations.get("runbook_url") or "").strip()
        is_slo = labels.get("slo") == "true"
        counts["rules"] += 1
        counts["slo_rules"] += is_slo
        counts["slo_without"] += is_slo and not url.startswith("http")
        if "runbook_url" not in annotations:
            counts["without"] += 1
        elif not url:
            counts["empty"] += 1
        elif not has_source or not url.startswith(SOP):
            counts["not_configured"] += 1
        elif url.removeprefix(SOP).partition("?")[0].partition("#")[0] in there:
            counts["with_runbook"] += 1
        else:
            counts["dead"] += 1
    return counts


def linked_files(folder: Path) -> list[str]:
    """The files under SOP that the real rules link, each once."""
    urls = {(rule.get("annotations") or {}).get("runbook_url") or "" for rule in rules_in_yaml(folder)}
    paths = {url.removeprefix(SOP).partition("?")[0].partition("#")[0] for url in urls if url.startswith(SOP)}
    return sorted(paths)
