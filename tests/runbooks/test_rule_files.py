"""Rules are read of folders with files of every sort; what cannot be read is told by name and stops nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps.runbooks.rule_files import RuleFiles, rule_files_read

RULE = """
groups:
- name: g
  interval: 1m
  rules:
  - record: a:b
    expr: sum(a)
  - alert: Down
    expr: up == 0
    for: 1h30m
    labels: {severity: critical, slo: true, ring: 3}
    annotations: {summary: "{{ $labels.job }} is down", runbook_url: https://runbooks.example/down.md}
"""
CUSTOM = """
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: x}
spec:
  groups:
  - name: in-a-resource
    rules: [{alert: Up, expr: up, annotations: {runbook_url: }}]
"""


def read(folder: Path, **files: str) -> RuleFiles:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return rule_files_read(folder)


def test_a_plain_rule_file_is_read_with_labels_as_they_were_written(tmp_path: Path) -> None:
    [rule] = read(tmp_path, a_yaml=RULE).rules
    assert (rule.name, rule.group, rule.file, rule.query, rule.duration) == ("Down", "g", "a.yaml", "up == 0", 5400)
    assert rule.labels == {"severity": "critical", "slo": "true", "ring": "3"}
    assert rule.annotations["summary"] == "{{ $labels.job }} is down"


def test_resources_lists_and_several_documents_are_read(tmp_path: Path) -> None:
    listed = "kind: List\nitems:\n- " + CUSTOM.strip().replace("\n", "\n  ")
    found = read(tmp_path, several_yml=f"# first\n---\n{RULE}---\n{CUSTOM}---\n", list_yaml=listed)
    assert [rule.name for rule in found.rules] == ["Up", "Down", "Up"]
    assert found.rules[0].runbook_url == ""
    assert found.problems == []


def test_files_without_rules_are_no_problem(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        comments_yaml="# nothing\n# at all\n",
        empty_yaml="",
        test_yaml="rule_files: [a.yaml]\ntests: [{interval: 1m}]\n",
        kustomization_yaml="resources: [a.yaml]\n",
        nothing_yaml="groups:\n",
        README_md="groups: [{",
        _git__hidden_yaml="groups: [{",
    )
    assert (found.rules, found.problems) == ([], [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("groups: [{", "expected the node content, but found '<stream end>' (line 1)"),
        ("groups:\n- name: g\n rules: []\n", "expected <block end>"),
        ("groups: [oops]\n", "the group “” is not one of rules"),
        ("groups: [{name: g, rules: {alert: A}}]\n", "the group “g” is not one of rules"),
        ("groups: [{name: g, rules: [{expr: up}]}]\n", "rule 1 of the group “g” is neither an alert nor a record"),
        ("a: !!python/object:os.system {}\n", "could not determine a constructor for the tag"),
        ("a: " + "[" * 3000, "is nested too deeply"),
        ("a: &a [*a]\nb: \x01\n", "holds a character that YAML does not allow"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_file_and_the_others_are_read(tmp_path: Path, text: str, words: str) -> None:
    found = read(tmp_path, broken_yaml=text, right_yaml=RULE)
    assert [rule.name for rule in found.rules] == ["Down"]
    [problem] = found.problems
    assert problem.startswith("broken.yaml: ")
    assert words in problem


def test_a_file_that_is_none_and_one_that_may_not_be_read_are_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"groups: [\xff\xfe]")
    found = read(tmp_path, right_yaml=RULE)
    assert [rule.name for rule in found.rules] == ["Down"]
    assert [problem.partition(":")[0] for problem in found.problems] == ["gone.yaml", "latin.yaml", "pipe.yaml"]


def test_a_rule_with_odd_parts_counts_and_is_told(tmp_path: Path) -> None:
    odd = "groups: [{name: g, rules: [{alert: A, for: soon, labels: [x], annotations: {a: [b], summary: yes}}]}]"
    found = read(tmp_path, odd_yaml=odd)
    [rule] = found.rules
    assert (rule.duration, rule.labels, rule.annotations) == (0, {}, {"a": "", "summary": "yes"})
    assert found.problems == [
        "odd.yaml: the labels of A are no names with values",
        "odd.yaml: A has “for: soon”, which is not a duration",
    ]


def test_merges_are_read_and_a_bomb_of_aliases_does_no_harm(tmp_path: Path) -> None:
    shared = RULE.replace("labels: {", "labels: {<<: *common, ").replace("groups:", "x: &common {team: a}\ngroups:", 1)
    layers = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))
    found = read(tmp_path, bomb_yaml=f"a0: &a0 [x]\n{layers}\ngroups: *a29\n", merged_yaml=shared)
    assert [rule.labels["team"] for rule in found.rules] == ["a"]
    assert found.problems == ["bomb.yaml: the group “” is not one of rules"] * 9


def test_one_file_can_be_named_and_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULE)
    assert [rule.file for rule in rule_files_read(tmp_path / "a.yaml").rules] == ["a.yaml"]
    with pytest.raises(FileNotFoundError, match=r"nowhere is not there$"):
        rule_files_read(tmp_path / "nowhere")
