"""Which file of which source a `runbook_url` names, and what became of looking for it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.clock import database_now
from apps.runbooks.finding import Finding, RunbookAddress, runbook_address, runbook_found, runbooks_found
from apps.runbooks.models import Runbook, RunbookMiss, RunbookTree
from apps.sources.fleetfile import FleetFile, FleetFileInvalid, fleet_file_parse

GITLAB = "https://gitlab.cee.redhat.com/konflux/docs/sop/-/blob/main/"
FLEET = f"""
runbooks:
  - name: sop
    git: {{url: https://gitlab.cee.redhat.com/konflux/docs/sop.git}}
    urls:
      - {GITLAB}<path>
      - https://gitlab.cee.redhat.com/konflux/docs/sop/-/raw/main/<path>
      - https://gitlab.cee.redhat.com/rhtap/docs/sop/-/blob/main/<path>.md
  - name: hub
    git: {{url: https://github.com/acme/runbooks, branch: main}}
    urls: [https://github.com/acme/runbooks/blob/main/<path>, https://raw.githubusercontent.com/acme/runbooks/main/<path>]
    under: docs/
  - name: site
    http: {{base: "https://docs.example.com:8443/raw"}}
    urls: ["https://docs.example.com/<path>/ -> pages/<path>.md"]
"""


@pytest.fixture(scope="module")
def fleet() -> FleetFile:
    return fleet_file_parse(text=FLEET)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (f"{GITLAB}a/b.md", ("sop", "a/b.md", "")),
        (f"{GITLAB}a/b.md?ref_type=heads", ("sop", "a/b.md", "")),
        (f"{GITLAB}a/b.md#steps-to-take", ("sop", "a/b.md", "steps-to-take")),
        (f"{GITLAB}a/b.md?ref_type=heads&x=%2e%2e#L%20x", ("sop", "a/b.md", "L x")),
        (f"{GITLAB}a%20b/%C3%A4.md", ("sop", "a b/ä.md", "")),
        ("https://GitLab.CEE.redhat.com:443/konflux/docs/sop/-/blob/main/a.md", ("sop", "a.md", "")),
        ("https://gitlab.cee.redhat.com./konflux/docs/sop/-/blob/main/a.md", ("sop", "a.md", "")),
        ("https://gitlab.cee.redhat.com/konflux/docs/sop/%2D/blob/main/a.md", ("sop", "a.md", "")),
        ("https://gitlab.cee.redhat.com/konflux/docs/sop/-/raw/main/a.md", ("sop", "a.md", "")),
        ("https://gitlab.cee.redhat.com/rhtap/docs/sop/-/blob/main/gitops/routes.md", ("sop", "gitops/routes.md", "")),
        ("https://github.com/acme/runbooks/blob/main/docs/x.md", ("hub", "docs/x.md", "")),
        ("https://raw.githubusercontent.com/acme/runbooks/main/docs/x.md", ("hub", "docs/x.md", "")),
        ("https://docs.example.com:8443/raw/x.md", ("site", "x.md", "")),
        ("https://docs.example.com/oncall/etcd/", ("site", "pages/oncall/etcd.md", "")),
        ("https://docs.example.com/oncall/etcd", ("site", "pages/oncall/etcd.md", "")),
    ],
)
def test_an_address_of_a_known_shape_names_a_file(fleet: FleetFile, url: str, address: tuple[str, str, str]) -> None:
    assert runbook_address(fleet, url) == RunbookAddress(*address)


@pytest.mark.parametrize(
    "url",
    [
        "", " ", "runbook", "javascript:alert(1)", "java\tscript:alert(1)", "file:///etc/passwd", f"git+{GITLAB}a.md",
        "https://gitlab.cee.redhat.com/konflux/docs/sop/-/blob/next/a.md",
        "https://gitlab.cee.redhat.com/konflux/docs/sop/-/tree/main/a.md",
        "https://gitlab.cee.redhat.com:444/konflux/docs/sop/-/blob/main/a.md",
        "http://gitlab.cee.redhat.com/konflux/docs/sop/-/blob/main/a.md",
        "https://gitlab.cee.redhat.com@evil.example/konflux/docs/sop/-/blob/main/a.md",
        "https://gitlab.cee.redhat.com.evil.example/konflux/docs/sop/-/blob/main/a.md",
        "https://gitlab.cee.redhaт.com/konflux/docs/sop/-/blob/main/a.md",
        GITLAB, f"{GITLAB}../../x.md", f"{GITLAB}a/../b.md", f"{GITLAB}%2e%2e/x.md", f"{GITLAB}a/%2E%2e/x.md",
        f"{GITLAB}..%2f..%2fetc/passwd", f"{GITLAB}a%5c..%5cb.md", f"{GITLAB}a//b.md", f"{GITLAB}./a.md",
        f"{GITLAB}a%00.md", f"{GITLAB}a\\b.md", f"{GITLAB}a b.md", f"{GITLAB}%ff.md", f"{GITLAB}a%0a.md",
        "https://gitlab.cee.redhat.com/rhtap/docs/sop/-/blob/main/.md",
        "https://github.com/acme/runbooks/blob/main/other/x.md", "https://docs.example.com:8443/raws/x.md",
        "http://[::1]/x.md", "http://2130706433/x.md", "http://[bad/x.md", "https://docs.example.com:99999/x",
    ],
)  # fmt: skip
def test_all_other_addresses_are_covered_by_no_source(fleet: FleetFile, url: str) -> None:
    assert runbook_address(fleet, url) is None
    if url.strip():
        assert runbook_found(fleet, url).state is Finding.NOT_CONFIGURED


@pytest.mark.django_db
def test_a_url_is_found_dead_empty_without_or_not_known_yet(fleet: FleetFile) -> None:
    urls = [None, "", "  ", f"{GITLAB}there.md", f"{GITLAB}gone.md", "https://other.example/x.md"]
    states = [found.state for found in runbooks_found(fleet, urls).values()]
    expected = [Finding.WITHOUT, Finding.EMPTY, Finding.EMPTY, Finding.UNREAD, Finding.UNREAD, Finding.NOT_CONFIGURED]
    assert states == expected
    RunbookTree.objects.create(source="sop", read_at=database_now())
    runbook = Runbook.objects.create(source="sop", path="there.md", text="# there", read_at=database_now())
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = runbooks_found(fleet, urls)
    assert len(queries) == 3
    assert [each.state for each in found.values()][3:5] == [Finding.FOUND, Finding.DEAD]
    assert found[f"{GITLAB}there.md"].runbook == runbook
    assert "gone.md" in found[f"{GITLAB}gone.md"].words
    assert runbook_found(fleet, f"{GITLAB}there.md?x").runbook == runbook


@pytest.mark.django_db
def test_of_a_web_server_only_what_it_was_asked_for_is_known(fleet: FleetFile) -> None:
    base = "https://docs.example.com:8443/raw/"
    RunbookTree.objects.create(source="site", is_whole=False, read_at=database_now())
    assert runbook_found(fleet, f"{base}a.md").state is Finding.UNREAD
    RunbookMiss.objects.create(source="site", path="a.md", since=database_now())
    assert runbook_found(fleet, f"{base}a.md").state is Finding.DEAD


def test_without_sources_every_address_is_not_configured() -> None:
    assert runbook_found(FleetFile(), f"{GITLAB}a.md").state is Finding.NOT_CONFIGURED


PLACE = "git: {url: /srv/sop}"


@pytest.mark.parametrize(
    ("source", "path", "message"),
    [
        (f"{{name: a, {PLACE}, urls: [https://h/x]}}", "[0].urls[0]", "must hold <path> once"),
        (f"{{name: a, {PLACE}, urls: ['https://h/?f=<path>']}}", "[0].urls[0]", "must end before any '?' or '#'"),
        (f"{{name: a, {PLACE}, urls: ['https://h<path>']}}", "[0].urls[0]", "must hold <path> behind the host"),
        (f"{{name: a, {PLACE}, urls: ['ftp://h/<path>']}}", "[0].urls[0]", "it is no http or https address"),
        (f"{{name: a, {PLACE}, urls: ['https://h/../<path>']}}", "[0].urls[0]", "its path leads up"),
        (f"{{name: a, {PLACE}, urls: ['https://h/<path> -> x']}}", "[0].urls[0]", "must hold <path> once behind"),
        (f"{{name: a, {PLACE}}}", "[0]", "needs 'urls'"),
        ("{name: a, urls: ['https://h/<path>']}", "[0]", "needs exactly one of 'git', 'http' and 'folder'"),
        (f"{{name: a, folder: /x, {PLACE}, urls: ['https://h/<path>']}}", "[0]", "needs exactly one of"),
        ("{name: a, git: {url: 'ext::sh'}, urls: ['https://h/<path>']}", "[0].git.url", "must begin with https://"),
        ("{name: a, git: {url: 'ssh://-oProxy=x/y'}, urls: ['https://h/<path>']}", "[0].git.url", "must begin with"),
        ("{name: a, git: {url: 'git@h:x/y'}, urls: ['https://h/<path>']}", "[0].git.url", "write git@host:path as ssh"),
        ("{name: a, git: {url: 'https://u:p@h/y'}, urls: ['https://h/<path>']}", "[0].git.url", "must hold no user"),
        ("{name: a, git: {url: 'ssh://h/y'}, urls: ['https://h/<path>']}", "[0].git", "needs 'ssh_key' and"),
        ("{name: a, git: {url: /y, token: 'env:T'}, urls: ['https://h/<path>']}", "[0].git", "'token' goes with"),
        ("{name: a, git: {url: /y, branch: --x}, urls: ['https://h/<path>']}", "[0].git.branch", "is not the name of"),
        (f"{{name: a, {PLACE}, under: ../x, urls: ['https://h/<path>']}}", "[0].under", "must be a folder below"),
        (f"{{name: a, {PLACE}, proxy: 'http://p', urls: ['https://h/<path>']}}", "[0]", "'ca' and 'proxy' go with"),
        (
            f"{{name: a, {PLACE}, urls: ['https://h/<path>', 'https://h/<path>']}}",
            "[0].urls[1]",
            "leads to runbooks[0].urls[0] already",
        ),
        (
            f"{{name: a, {PLACE}, urls: ['https://h/<path>']}}, {{name: a, {PLACE}, urls: ['https://i/<path>']}}",
            "[1].name",
            "'a' is the name of runbooks[0] already",
        ),
    ],
)
def test_a_mistake_in_a_source_is_told_by_its_place(source: str, path: str, message: str) -> None:
    with pytest.raises(FleetFileInvalid) as refused:
        fleet_file_parse(text=f"runbooks: [{source}]")
    told = {problem.path: problem.message for problem in refused.value.problems}
    assert list(told) == [f"runbooks{path}"]
    assert message in told[f"runbooks{path}"]


def test_two_spellings_of_one_placeholder_are_a_mistake() -> None:
    with pytest.raises(FleetFileInvalid, match="is the same placeholder as 'my-name'"):
        fleet_file_parse(text="runbook_values: {my-name: a, MY_NAME: b}")
    assert fleet_file_parse(text="runbook_values: {cluster: source_cluster}").runbook_values["cluster"] == (
        "source_cluster"
    )
