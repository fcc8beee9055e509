"""A fleet file from text to models: what it may say, and how its mistakes are told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from apps.sources.catalog import SourceKind, sources_of
from apps.sources.fleetfile import FleetFile, FleetFileInvalid, fleet_file_load, fleet_file_parse
from apps.sources.fleetfile.sections import Role
from tests.servers import left_out

EXAMPLE = Path(__file__).parents[2] / "docs" / "fleet.example.yaml"
CLUSTERS = "environments: [{name: e}]\nclusters: "
TENANT = "observatorium: [{name: x, url: 'https://o', tenant: t}]"


def mistakes_in(text: str) -> dict[str, str]:
    """The mistakes of a fleet file, message by path."""
    with pytest.raises(FleetFileInvalid) as refused:
        fleet_file_parse(text=text)
    return {problem.path: problem.message for problem in refused.value.problems}


@pytest.fixture
def example() -> FleetFile:
    return fleet_file_load(path=EXAMPLE, must_exist=False)


def test_the_example_says_what_it_seems_to_say(example: FleetFile) -> None:
    assert [environment.name for environment in example.environments] == ["staging", "production"]
    assert [cluster.role for cluster in example.clusters] == [Role.CONTROL_PLANE, Role.HOST, Role.MEMBER, Role.MEMBER]
    assert example.portal.recovery_time_objective == timedelta(days=2)
    assert example.alertmanagers[0].members == ("http://alertmanager-0:9093", "http://alertmanager-1:9093")
    assert example.alerts.slo[0].is_met_by({"slo": "true"})
    access = example.clusters[0].kubernetes
    assert access is not None
    assert access.ca == EXAMPLE.parent / "tls" / "hub-east.crt"
    assert access.token is not None
    assert access.token.reference == "file:/run/secrets/hub-east"


def test_the_example_makes_a_source_of_each_endpoint(example: FleetFile) -> None:
    sources = {spec.key: spec for spec in sources_of(example)}
    assert list(sources) == [
        "argocd/production",
        "argocd-inventory/production",
        "alertmanager/hub/0",
        "alertmanager/hub/1",
        "prometheus/hub",
        "alertmanager/rhobs/0",
        "prometheus/rhobs",
        "kubernetes/hub-east",
        "kubernetes/soup-prd-host",
        "kubernetes/soup-prd-m01",
        "runbooks/sop",
        "runbooks/handbook",
    ]
    assert sources["alertmanager/hub/1"].group == "hub"
    assert sources["alertmanager/rhobs/0"].kind is SourceKind.ALERTMANAGER
    assert sources["alertmanager/rhobs/0"].interval == 15
    assert sources["prometheus/rhobs"].interval == 60
    assert sources["kubernetes/soup-prd-m01"].interval == 60
    assert sources["kubernetes/soup-prd-m01"].environment == "production"


def test_an_empty_file_has_the_defaults_and_no_sources() -> None:
    fleet = fleet_file_parse(text="clusters:\n# - nothing yet\n")
    assert sources_of(fleet) == ()
    assert fleet.portal.lost_after.failures == 3
    assert fleet.portal.drift_tolerance == timedelta(days=7)
    assert fleet.portal.retention == timedelta(days=90)


def test_intervals_have_the_defaults_of_their_kind() -> None:
    fleet = fleet_file_parse(
        text="""
        environments: [{name: e}]
        clusters: [{name: c, role: host, environment: e, kubernetes: {server: "https://c"}}]
        argocd: [{name: a, url: "https://a"}]
        alertmanagers: [{name: m, members: ["http://m"]}]
        prometheuses: [{name: p, url: "http://p"}]
        """
    )
    intervals = {spec.kind.value: spec.interval for spec in sources_of(fleet)}
    assert intervals == {
        "argocd": 60,
        "argocd_inventory": 60,
        "alertmanager": 15,
        "prometheus": 60,
        "kubernetes": 30,
    }
    assert fleet.argocd[0].connect_timeout == timedelta(seconds=3)
    assert fleet.argocd[0].deadline == timedelta(seconds=10)


def test_f54_all_mistakes_are_told_at_once_by_their_paths() -> None:
    told = mistakes_in(
        """
        environments: [{name: prod, rings: [1, one]}]
        clusters:
          - {name: h, role: hots, environment: prod}
          - {name: m, role: member, host: g, environment: prdo, ring: 7}
        argocd:
          - {name: one, url: "ftp://argo", tokn: "env:T", interval: 0}
          - {name: one, url: "https://me:secret@argo", token: hunter2, control_plane: x}
        sso: {issuer: x}
        """
    )
    assert told == {
        "environments[0].rings[1]": "must be a whole number",
        "clusters[0].role": "must be 'control-plane', 'host' or 'member'",
        "clusters[1].host": "there is no cluster 'g'",
        "clusters[1].environment": "there is no environment 'prdo' (did you mean 'prod'?)",
        "argocd[0].url": "'ftp' is not http or https",
        "argocd[0].tokn": "unknown key 'tokn' (did you mean 'token'?)",
        "argocd[0].interval": "must be from 5s to 1h",
        "argocd[1].name": "'one' is the name of argocd[0] already: give it another",
        "argocd[1].url": "must hold no user name or password: name the secret in its own key (env:NAME or file:PATH)",
        "argocd[1].token": "a secret never stands in this file: name where it is, as env:NAME"
        " (a variable of the environment) or file:PATH",
        "argocd[1].control_plane": "there is no cluster 'x'",
        "sso.issuer": "must begin with http:// or https://",
        "sso.client_id": "is missing",
    }


def test_each_mistake_has_its_file_and_line() -> None:
    with pytest.raises(FleetFileInvalid) as refused:
        fleet_file_parse(text="argocd:\n  - name: a\n    url: https://a\n    interval: 0\n  - {}\n", file="my.yaml")
    assert str(refused.value).splitlines() == [
        "my.yaml:4: argocd[0].interval: must be from 5s to 1h",
        "my.yaml:5: argocd[1].name: is missing",
        "my.yaml:5: argocd[1].url: is missing",
    ]


@pytest.mark.parametrize(
    "interval", ["0", "-1", "1000000000", "1e9", "1.0e+9", "4s", "61m", "true", "null", "[]", ".nan", "often"]
)
def test_f54_an_interval_out_of_bounds_is_refused(interval: str) -> None:
    told = mistakes_in(f"prometheuses: [{{name: p, url: 'http://p', interval: {interval}}}]")
    assert list(told) == ["prometheuses[0].interval"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a",
        "a.example.com",
        "//a",
        "javascript:alert(1)",
        "http://",
        "http://a b",
        "http://[::1",
        "http://a:port",
        "http://a:99999",
        "https://u@a",
        "https://a/?token=x",
        "https://a/#x",
        "",
    ],
)
def test_f54_a_url_that_is_none_is_refused(url: str) -> None:
    assert list(mistakes_in(f"prometheuses: [{{name: p, url: '{url}'}}]")) == ["prometheuses[0].url"]


def test_a_url_loses_its_last_slash() -> None:
    fleet = fleet_file_parse(text="prometheuses: [{name: p, url: 'http://p:9090/prefix/'}]")
    assert fleet.prometheuses[0].url == "http://p:9090/prefix"


@pytest.mark.parametrize("name", ["a b", "a/b", "", "ü", "-a", ".", "a" * 101, "a\\nb"])
def test_a_name_is_plain(name: str) -> None:
    assert list(mistakes_in(f'prometheuses: [{{name: "{name}", url: "http://p"}}]')) == ["prometheuses[0].name"]


def test_f54_a_missing_secret_file_is_named_with_its_key(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text("argocd: [{name: a, url: 'https://a', token: 'file:token', ca: ca.pem}]")
    with pytest.raises(FleetFileInvalid) as refused:
        fleet_file_load(path=file)
    assert {problem.path: problem.message for problem in refused.value.problems} == {
        "argocd[0].token": f"the secret's file {tmp_path}/token does not exist",
        "argocd[0].ca": f"the file {tmp_path}/ca.pem does not exist",
    }
    (tmp_path / "token").write_text("s3cret\n")
    (tmp_path / "ca.pem").write_text("")
    token = fleet_file_load(path=file).argocd[0].token
    assert token is not None
    assert token.value() == "s3cret"


def test_no_mistake_repeats_a_secret_that_stands_in_the_wrong_place() -> None:
    with pytest.raises(FleetFileInvalid) as refused:
        fleet_file_parse(
            text="""
            argocd: [{name: a, url: "https://user:hunter2@a", token: hunter2}]
            alertmanagers: [{name: m, members: ["http://m"], username: u, password: {really: hunter2}}]
            prometheuses: [{name: p, url: "http://p?key=hunter2", token: 12345678}]
            """
        )
    assert len(refused.value.problems) == 5
    assert "hunter2" not in str(refused.value)
    assert "12345678" not in str(refused.value)
    assert "hunter2" not in repr(refused.value.__cause__)


@pytest.mark.parametrize(
    ("sections", "path", "message"),
    [
        (
            f"alertmanagers: [{{name: x, members: ['http://m']}}]\n{TENANT}",
            "observatorium[0].name",
            "'x' is the name of alertmanagers[0] already: give it another",
        ),
        (
            "observatorium: [{name: x, url: 'https://o', tenant: t, alerts: false, rules: false}]",
            "observatorium[0]",
            "has neither 'alerts' nor 'rules': then nothing of it is read",
        ),
        (
            f"prometheuses: [{{name: x, url: 'http://p'}}]\n{TENANT}",
            "observatorium[0].name",
            "'x' is the name of prometheuses[0] already: give it another",
        ),
        (
            CLUSTERS + "[{name: c, role: host, environment: e, aliases: [d]}, {name: d, role: host, environment: e}]",
            "clusters[0].aliases[0]",
            "'d' is a name of another cluster already: clusters[1]",
        ),
        (
            CLUSTERS + "[{name: c, role: member, environment: e}, {name: d, role: member, host: c, environment: e}]",
            "clusters[1].host",
            "the cluster 'c' is not a host: its role is 'member'",
        ),
        (
            f"{CLUSTERS}[{{name: c, role: host, environment: e}}, {{name: d, role: host, host: c, environment: e}}]",
            "clusters[1].host",
            "only a member has a host: leave it out, or set 'role: member'",
        ),
        (
            "environments: [{name: e, rings: [1, 2]}]\nclusters: [{name: c, role: host, environment: e, ring: 3}]",
            "clusters[0].ring",
            "3 is not a ring of 'e', whose rings are: 1, 2",
        ),
        (
            "prometheuses: [{name: p, url: 'http://p', feeds: [m]}]",
            "prometheuses[0].feeds[0]",
            "there is no Alertmanager 'm'",
        ),
        (
            "prometheuses: [{name: p, url: 'http://p', username: u}]",
            "prometheuses[0]",
            "'username' and 'password' go together",
        ),
        (
            "environments: [{name: e}]\nclusters: [{name: c, role: host, environment: e, kubernetes: {context: x}}]",
            "clusters[0].kubernetes",
            "needs exactly one of 'server', 'kubeconfig' and 'in_cluster: true'",
        ),
        (
            "alerts: {slo: 'a=~\"(?=b)\"'}",
            "alerts.slo",
            'letter 1: “a=~"(?=b)"”: not a regular expression of RE2: invalid perl operator: (?=',
        ),
        ("prometheus: []", "prometheus", "unknown key 'prometheus' (did you mean 'prometheuses'?)"),
        (
            "portal: {lost_after: {failure: 2}}",
            "portal.lost_after.failure",
            "unknown key 'failure' (did you mean 'failures'?)",
        ),
        ("argocd: {name: a}", "argocd", "must be a list"),
        ("- argocd", "(the whole file)", "must be a mapping of keys and values"),
        (
            "argocd: [{name: a, url: 'https://a', token: 'vault:kv/a'}]",
            "argocd[0].token",
            "vault: is not supported yet; use env:NAME or file:PATH",
        ),
    ],
)
def test_a_mistake_is_told_in_plain_words(sections: str, path: str, message: str) -> None:
    assert mistakes_in(sections) == {path: message}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("argocd: [", 1, "expected the node content, but found '<stream end>'"),
        ("portal: {}\nportal: {}\n", 2, "the key 'portal' stands here twice"),
        ("a: &x [1]\nb: *x\n", 2, "aliases (*name) are not taken: write the value again"),
        ("[" * 10_000, 1, "is nested deeper than 12 levels"),
        ("\na: \x01", None, "holds a character that YAML does not allow: special characters are not allowed"),
        ("1: 2", 1, "the key 1 is not text"),
        ("a: 2026-99-99", None, "holds a value that YAML cannot read: month must be in 1..12"),
    ],
)
def test_a_file_that_is_not_proper_yaml_is_refused_with_its_line(text: str, line: int | None, message: str) -> None:
    with pytest.raises(FleetFileInvalid) as refused:
        fleet_file_parse(text=text)
    (problem,) = refused.value.problems
    assert (problem.line, problem.message) == (line, message)


def test_a_bomb_of_aliases_is_refused_before_it_goes_off() -> None:
    layers = "".join(f"l{depth}: &l{depth} [{', '.join([f'*l{depth - 1}'] * 9)}]\n" for depth in range(1, 10))
    with pytest.raises(FleetFileInvalid, match="aliases"):
        fleet_file_parse(text=f"l0: &l0 [lol]\n{layers}")


def test_an_object_of_python_is_never_made() -> None:
    with pytest.raises(FleetFileInvalid, match="could not determine a constructor"):
        fleet_file_parse(text="portal: !!python/object/apply:os.system [true]")


def test_a_file_that_is_too_large_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text("#" * 2_100_000)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    for name, message in (
        ("large.yaml", "is larger than 2 MiB"),
        ("bytes.yaml", "is not text in UTF-8"),
        ("none.yaml", "cannot be read: No such file or directory"),
        (".", "cannot be read: Is a directory"),
    ):
        with pytest.raises(FleetFileInvalid) as refused:
            fleet_file_load(path=tmp_path / name)
        assert [problem.message for problem in refused.value.problems] == [message]


def test_a_thousand_mistakes_are_capped() -> None:
    with pytest.raises(FleetFileInvalid) as refused:
        fleet_file_parse(text="argocd:\n" + "  - {}\n" * 500)
    assert len(refused.value.problems) == 201
    assert refused.value.problems[-1].message == "and 800 more"


def test_the_owners_proposal_can_be_said() -> None:
    """Every key of the proposal that the fleet file began with is taken, where it is at hand beside the project."""
    proposal = Path(__file__).parents[3] / "shared" / "design" / "fleet.example.yaml"
    if not proposal.exists():
        left_out("../shared is not there: whether the proposal can be said")
    assert len(sources_of(fleet_file_load(path=proposal, must_exist=False))) == 10
