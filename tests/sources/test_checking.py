"""portal_check: what works, what does not, and what would mend it."""

from __future__ import annotations

import json
import re
import socket
import ssl
from io import StringIO
from pathlib import Path

import pytest
import trustme
from django.core.management import CommandError, call_command

from apps.integrations.http.failures import CERTIFICATE_FAULTS, TLS_FAULTS
from apps.sources.checking import SourceCheck, sources_check
from apps.sources.checking.mending import UNTRUSTED
from apps.sources.fleetfile import fleet_file_parse
from tests.integrations.wire_server import Script, reply
from tests.sources.answering import Serve, answering, argocd, kubernetes, recorded

EMPTY = recorded("argocd/3.6/applications_nothing_allowed")
NO = reply({"value": "no"})
FORBIDDEN = recorded("kubernetes/1.34/forbidden")
CLUSTER = "environments: [{name: e}]\nclusters: [{name: c, role: host, environment: e, kubernetes: {%s}}]"


def checks_of(text: str, folder: Path | None = None) -> dict[str, SourceCheck]:
    """Every source of a fleet file tried, by key."""
    return {check.spec.key: check for check in sources_check(fleet=fleet_file_parse(text=text, folder=folder))}


def argocd_checks(serve: Serve, script: Script) -> dict[str, SourceCheck]:
    """An Argo CD "a" that answers by a script, tried."""
    return checks_of(f"argocd: [{{name: a, url: '{serve(script).url}', token: 'env:PATH'}}]")


def alertmanager() -> Script:
    """A real Alertmanager's answers."""
    paths = {"status": "status", "alerts": "alerts", "alerts/groups": "alerts_groups", "silences": "silences"}
    return answering({f"/api/v2/{path}": recorded(f"alertmanager/0.28/{name}") for path, name in paths.items()})


def only_fault(check: SourceCheck) -> tuple[str, str]:
    """What is wrong and what would mend it, of a source with one fault."""
    assert len(check.faults) == 1, check.line()
    assert not check.is_ok
    return check.faults[0].what, check.faults[0].mend


def test_an_argocd_that_gives_everything_is_ok(serve: Serve) -> None:
    checks = argocd_checks(serve, argocd())
    assert all(check.is_ok for check in checks.values())
    assert checks["argocd/a"].seen == ("v3.6.0+unknown", "as portal", "38 Applications")
    assert checks["argocd-inventory/a"].seen[2:] == ("5 clusters", "3 projects", "18 ApplicationSets")
    assert re.fullmatch(
        r"ok    argocd/a: v3\.6\.0\+unknown; as portal; 38 Applications; \d+\.\d\d s", checks["argocd/a"].line()
    )


def test_an_empty_list_without_the_right_to_it_names_the_right(serve: Serve) -> None:
    """An account without rights gets empty lists with 200."""
    base = "/api/v1/account/can-i"
    changed = {
        "/api/v1/applications": EMPTY,
        "/api/v1/clusters": recorded("argocd/3.6/clusters_denied"),
        f"{base}/applications/get/%2A/%2A": NO,
        f"{base}/clusters/get/%2A": NO,
    }
    checks = argocd_checks(serve, argocd(changed))
    assert only_fault(checks["argocd/a"]) == (
        "has no right to get applications: the list is empty for this account, whatever is there",
        "give the portal's Argo CD account the policy `p, <account>, applications, get, */*, allow`",
    )
    assert "clusters, get, *, allow" in only_fault(checks["argocd-inventory/a"])[1]


def test_an_empty_list_with_the_right_to_it_is_just_empty(serve: Serve) -> None:
    checks = argocd_checks(serve, argocd({"/api/v1/applications": EMPTY}))
    assert checks["argocd/a"].is_ok
    assert "0 Applications" in checks["argocd/a"].seen


def test_projects_in_which_nobody_can_act_are_told(serve: Serve) -> None:
    checks = argocd_checks(serve, argocd({"/api/v1/account/can-i/applications/sync/frozen/%2A": NO}))
    assert checks["argocd-inventory/a"].is_ok
    assert checks["argocd-inventory/a"].notes == (
        (
            "nobody can resync through the portal in 1 of 3 projects (frozen): such a project opts in by"
            " `p, <account>, applications, sync, frozen/*, allow`"
        ),
    )


def test_a_right_to_a_part_is_no_fault_but_is_told(serve: Serve) -> None:
    checks = argocd_checks(serve, argocd({"/api/v1/account/can-i/applications/get/%2A/%2A": NO}))
    assert checks["argocd/a"].is_ok
    assert "may get only some applications" in checks["argocd/a"].notes[0]


def test_a_token_that_argocd_does_not_know_is_told_by_its_key(serve: Serve) -> None:
    changed = {"/api/v1/session/userinfo": recorded("argocd/3.6/userinfo_no_token")}
    what, mend = only_fault(argocd_checks(serve, argocd(changed))["argocd/a"])
    assert what == "refused our credentials: it does not know our token"
    assert mend.endswith("put them where `argocd[0].token` (env:PATH) looks for them")


def test_without_a_token_it_says_where_to_name_one(serve: Serve) -> None:
    changed = {"/api/v1/session/userinfo": recorded("argocd/3.6/userinfo_no_token")}
    checks = checks_of(f"argocd: [{{name: a, url: '{serve(argocd(changed)).url}'}}]")
    assert only_fault(checks["argocd/a"])[1] == "it wants credentials: name them under `argocd[0]`"


def test_a_sign_in_page_is_told_as_such(serve: Serve) -> None:
    script = reply("<!doctype html><title>Sign in</title>", Content_Type="text/html")
    what, mend = only_fault(argocd_checks(serve, script)["argocd/a"])
    assert "web page" in what
    assert "`argocd[0].url`" in mend


def test_another_kind_of_server_is_told_as_such(serve: Serve) -> None:
    what, mend = only_fault(argocd_checks(serve, alertmanager())["argocd/a"])
    assert "404" in what
    assert mend == "see whether `argocd[0].url` is its address, with the right path"


def test_a_server_that_is_not_there_is_told_with_its_key() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    checks = checks_of(
        f"alertmanagers: [{{name: m, members: ['http://127.0.0.1:{port}', 'http://127.0.0.1:{port}/am']}}]"
    )
    what, mend = only_fault(checks["alertmanager/m/1"])
    assert what == "it refuses connections"
    assert mend == "see whether it runs, and whether the port in `alertmanagers[0].members[1]` is right"
    assert checks["alertmanager/m/1"].latency is None


def test_one_that_hangs_is_told_and_holds_up_no_other(serve: Serve) -> None:
    slow, quick = serve(lambda peer, _: peer.hang()), serve(alertmanager())
    checks = checks_of(f"alertmanagers: [{{name: m, members: ['{slow.url}', '{quick.url}'], deadline: 1s}}]")
    assert "`alertmanagers[0].deadline`" in only_fault(checks["alertmanager/m/0"])[1]
    assert checks["alertmanager/m/1"].is_ok


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_an_unknown_authority_is_mended_by_ca(serve: Serve, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    url = serve(alertmanager(), tls=context).url
    checks = checks_of(f"alertmanagers: [{{name: m, members: ['{url}']}}]")
    assert only_fault(checks["alertmanager/m/0"])[1].startswith("set `alertmanagers[0].ca` to the PEM file")
    mended = checks_of(f"alertmanagers: [{{name: m, members: ['{url}'], ca: ca.pem}}]", tmp_path)
    assert mended["alertmanager/m/0"].is_ok
    loud = checks_of(f"alertmanagers: [{{name: m, members: ['{url}'], insecure_skip_verify: true}}]")
    assert loud["alertmanager/m/0"].is_ok
    assert "NOT verified" in loud["alertmanager/m/0"].line()


def test_every_reason_not_to_trust_a_server_has_its_mending() -> None:
    for words in {*CERTIFICATE_FAULTS.values(), *TLS_FAULTS.values()}:
        assert any(part in words for part, _ in UNTRUSTED), words


def test_what_an_alertmanager_lacks_for_the_file_is_told(serve: Serve) -> None:
    url = serve(alertmanager()).url
    checks = checks_of(f"alertmanagers: [{{name: m, members: ['{url}'], watchdog: 'alertname=\"Watchdog\"'}}]")
    check = checks["alertmanager/m/0"]
    assert check.is_ok
    assert {"36 alerts", "36 groups", "2 silences"} <= set(check.seen)
    assert any('watchdog alert alertname="Watchdog" is not there' in note for note in check.notes)


def test_a_prometheus_tells_its_version_and_rules(serve: Serve) -> None:
    routes = {
        "/api/v1/status/buildinfo": recorded("prometheus/2.42/buildinfo"),
        "/api/v1/rules": recorded("prometheus/2.42/rules"),
    }
    check = checks_of(f"prometheuses: [{{name: p, url: '{serve(answering(routes)).url}'}}]")["prometheus/p"]
    assert check.is_ok
    assert check.seen == ("version 2.42.0+ds", "124 alerting rules")


def test_an_observatorium_without_a_token_wants_credentials(serve: Serve) -> None:
    path = "/api/metrics/v1/rhtap"
    answer = recorded("observatorium/main-2026-07/no_token")
    script = answering({f"{path}/am/api/v2/alerts": answer, f"{path}/api/v1/rules": answer})
    checks = checks_of(f"observatorium: [{{name: o, url: '{serve(script).url}', tenant: rhtap}}]")
    for key in ("alertmanager/o/0", "prometheus/o"):
        assert only_fault(checks[key])[1] == "it wants credentials: name them under `observatorium[0]`"


def test_a_refused_client_secret_is_told_by_its_key(serve: Serve) -> None:
    url = serve(answering({"/token": reply({"error": "invalid_client"}, status=401)})).url
    oauth2 = f"{{token_url: '{url}/token', client_id: portal, client_secret: 'env:PATH'}}"
    checks = checks_of(f"observatorium: [{{name: o, url: '{url}', tenant: t, oauth2: {oauth2}}}]")
    what, mend = only_fault(checks["prometheus/o"])
    assert "no token for us" in what
    assert "client 'portal' in tenant 't'" in mend
    assert "`observatorium[0].oauth2.client_secret` (env:PATH)" in mend


def test_a_cluster_without_some_types_is_ok_and_tells_them(serve: Serve) -> None:
    check = checks_of(CLUSTER % f"server: '{serve(kubernetes()).url}'")["kubernetes/c"]
    assert check.is_ok
    assert check.seen == (
        "v1.34.4",
        "not installed: memberstatuses, argocds, subscriptions, clusterserviceversions, managedclusters",
    )


def test_each_right_that_a_service_account_lacks_is_named(serve: Serve) -> None:
    changed = {
        "/api/v1/nodes": FORBIDDEN,
        "/apis/config.openshift.io/v1": reply({"resources": [{"name": "clusteroperators"}]}),
        "/apis/config.openshift.io/v1/clusteroperators": FORBIDDEN,
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": reply({"status": {"allowed": False}}, status=201),
    }
    check = checks_of(CLUSTER % f"server: '{serve(kubernetes(changed)).url}', token: 'env:PATH'")["kubernetes/c"]
    needed = "give the portal's service account a ClusterRole with get, list, watch on"
    assert [(fault.what, fault.mend) for fault in check.faults] == [
        (f"has no right to get, list, watch {kind}", f"{needed} {kind}")
        for kind in ("nodes", "clusteroperators.config.openshift.io")
    ]


def test_a_refused_service_account_is_told_once(serve: Serve) -> None:
    url = serve(recorded("kubernetes/1.34/unauthorized")).url
    what, mend = only_fault(checks_of(CLUSTER % f"server: '{url}', token: 'env:PATH'")["kubernetes/c"])
    assert "refused our credentials" in what
    assert "`clusters[0].kubernetes.token` (env:PATH)" in mend


def test_a_kubeconfig_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("current-context: x")
    check = checks_of(CLUSTER % "kubeconfig: 'file:config', context: y", tmp_path)["kubernetes/c"]
    what, mend = only_fault(check)
    assert "no context 'y'" in what
    assert "`clusters[0].kubernetes.kubeconfig`" in mend


def test_the_command_ends_with_1_when_a_source_fails_and_0_when_none_does(serve: Serve, tmp_path: Path) -> None:
    file, out = tmp_path / "fleet.yaml", StringIO()
    file.write_text(f"alertmanagers: [{{name: m, members: ['{serve(alertmanager()).url}']}}]")
    call_command("portal_check", fleet=str(file), stdout=out)
    assert out.getvalue().splitlines()[-1] == "1 of 1 sources work"
    file.write_text(f"alertmanagers: [{{name: m, members: ['{serve(argocd()).url}']}}]")
    with pytest.raises(SystemExit) as ended:
        call_command("portal_check", fleet=str(file), stdout=out)
    assert ended.value.code == 1
    assert out.getvalue().splitlines()[-2].startswith("FAIL  alertmanager/m/0: ")


def test_the_command_tells_machines_the_same(serve: Serve, tmp_path: Path) -> None:
    file, out = tmp_path / "fleet.yaml", StringIO()
    urls = ", ".join(f"'{serve(script).url}'" for script in (alertmanager(), argocd()))
    file.write_text(f"alertmanagers: [{{name: m, members: [{urls}]}}]")
    with pytest.raises(SystemExit):
        call_command("portal_check", "--json", fleet=str(file), stdout=out)
    told = json.loads(out.getvalue())
    assert told["ok"] is False
    assert [source["ok"] for source in told["sources"]] == [True, False]
    assert told["sources"][1]["faults"][0]["mend"].startswith("see whether `alertmanagers[0].members[1]`")


def test_f54_the_command_refuses_a_wrong_file_with_every_mistake(tmp_path: Path) -> None:
    file, out = tmp_path / "fleet.yaml", StringIO()
    file.write_text("argocd: [{name: a}]\nargo: 1\n")
    with pytest.raises(CommandError, match=r"(?s)argocd\[0\]\.url: is missing.*argo: unknown key"):
        call_command("portal_check", fleet=str(file))
    with pytest.raises(SystemExit):
        call_command("portal_check", "--json", fleet=str(file), stdout=out)
    assert [problem["path"] for problem in json.loads(out.getvalue())["problems"]] == ["argocd[0].url", "argo"]


def test_the_command_without_a_file_says_how_to_name_one() -> None:
    with pytest.raises(CommandError, match=r"portal_check --fleet fleet\.yaml"):
        call_command("portal_check")


def test_no_line_shows_a_secret(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STONESOUP_TEST_TOKEN", "hunter2hunter2")
    url = serve(reply({"error": "bad token hunter2hunter2", "message": "bad token hunter2hunter2"}, status=401)).url
    check = checks_of(f"argocd: [{{name: a, url: '{url}', token: 'env:STONESOUP_TEST_TOKEN'}}]")["argocd/a"]
    assert not check.is_ok
    assert "hunter2" not in check.line() + json.dumps(check.as_data())


def test_an_upstream_cannot_write_what_it_likes_to_the_terminal(serve: Serve) -> None:
    hostile = "v3.6.0\x1b[2J\r\nok    everything: is fine" + "x" * 5000
    check = argocd_checks(serve, argocd({"/api/version": reply({"Version": hostile})}))["argocd/a"]
    assert check.seen[0].startswith("v3.6.0 [2J ok everything")
    assert check.line().isprintable()
    assert len(check.line()) < 500


def test_a_tenant_without_an_alertmanager_is_told_how_to_say_so(serve: Serve) -> None:
    script = reply("404 page not found\n", status=404, Content_Type="text/plain; charset=utf-8")
    checks = checks_of(f"observatorium: [{{name: o, url: '{serve(script).url}', tenant: rhtap}}]")
    assert "say `alerts: false` or `rules: false` where it has none" in only_fault(checks["alertmanager/o/0"])[1]
