"""When a cluster, and each thing in it, is well (and nothing else is)."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from apps.core.tones import Tone
from apps.core.verdict import Verdict
from apps.core.verdict import cluster as verdicts
from apps.core.verdict.cluster import ClusterFacts, Part, cluster_verdict


class Told(NamedTuple):
    """A condition."""

    type: str
    status: str
    reason: str = ""
    message: str = ""


def told(**statuses: str) -> list[Told]:
    return [Told(type_, status) for type_, status in statuses.items()]


NODE = Part("Node", "n1", Verdict(Tone.WELL, "ready"), "Ready")
BROKEN = Part("Node", "n2", Verdict(Tone.WARNING, "not ready"), "NotReady")


@pytest.mark.parametrize(
    ("facts", "tone", "words"),
    [
        ({"parts": [NODE]}, Tone.WELL, "its API answers"),
        ({"parts": []}, Tone.UNKNOWN, "no node is known"),
        ({"was_read": False}, Tone.UNKNOWN, "never read"),
        ({"parts": [NODE], "not_allowed": ["Node", "ArgoCD"]}, Tone.UNKNOWN, "our account may not read Node, ArgoCD"),
        ({"parts": [NODE], "unreached": "timeout"}, Tone.UNKNOWN, "cannot be reached: timeout"),
        ({"parts": [NODE], "cannot_read": "401"}, Tone.UNKNOWN, "cannot be read: 401"),
        ({"parts": [NODE], "is_lost": True, "unreached": "timeout"}, Tone.CRITICAL, "lost: timeout"),
        ({"parts": [NODE, BROKEN]}, Tone.WARNING, "Node n2: not ready"),
        ({"parts": [BROKEN, BROKEN]}, Tone.CRITICAL, "none of 2 nodes is ready"),
        ({"has_credentials": False, "argocd_status": "Successful"}, Tone.HELD, "Argo CD reaches it"),
        ({"has_credentials": False}, Tone.UNKNOWN, "never read"),
    ],
)
def test_a_cluster(facts: dict[str, object], tone: Tone, words: str) -> None:
    verdict = cluster_verdict(ClusterFacts(**facts))  # type: ignore[arg-type]
    assert verdict.tone is tone
    assert verdict.reason.startswith(words)


def test_things_alike_are_counted_and_kinds_do_not_hide_each_other() -> None:
    operators = [Part("ClusterOperator", f"o{n}", Verdict(Tone.WARNING, "degraded")) for n in range(10)]
    verdict = cluster_verdict(ClusterFacts(parts=[NODE, *operators, BROKEN]))
    assert verdict == Verdict(Tone.WARNING, "Node n2: not ready · ClusterOperator o0 and 9 more: degraded")


@pytest.mark.parametrize(
    ("conditions", "cordoned", "tone", "words"),
    [
        (told(Ready="True", MemoryPressure="False"), False, Tone.WELL, "ready"),
        (told(Ready="True"), True, Tone.HELD, "cordoned"),
        (told(Ready="False"), True, Tone.WARNING, "not ready · cordoned"),
        (told(Ready="Unknown", MemoryPressure="Unknown"), False, Tone.WARNING, "not ready"),
        (told(Ready="True", MemoryPressure="True"), False, Tone.WARNING, "memory pressure"),
        (told(Ready="True", DiskPressure="True"), False, Tone.WARNING, "disk pressure"),
        (told(Ready="True", PIDPressure="True"), False, Tone.WARNING, "too many processes"),
        (told(Ready="True", NetworkUnavailable="True"), False, Tone.WARNING, "network unavailable"),
        (told(Ready="True", DiskPressure="Perhaps"), False, Tone.UNKNOWN, "disk pressure: not known"),
        (told(MemoryPressure="False"), False, Tone.UNKNOWN, "does not tell"),
        ([], False, Tone.UNKNOWN, "does not tell"),
    ],
)
def test_a_node(conditions: list[Told], cordoned: bool, tone: Tone, words: str) -> None:
    verdict = verdicts.node_verdict(conditions=conditions, is_unschedulable=cordoned)
    assert verdict.tone is tone
    assert verdict.reason.startswith(words)


@pytest.mark.parametrize(
    ("conditions", "tone"),
    [
        (told(Available="True", Degraded="False", Progressing="False"), Tone.WELL),
        (told(Available="True", Degraded="False", Progressing="True"), Tone.BUSY),
        (told(Available="True", Degraded="True", Progressing="True"), Tone.WARNING),
        (told(Available="False", Degraded="False"), Tone.WARNING),
        (told(Available="True"), Tone.UNKNOWN),
        (told(Degraded="False"), Tone.UNKNOWN),
        (told(Available="True", Degraded="Perhaps"), Tone.UNKNOWN),
        ([], Tone.UNKNOWN),
    ],
)
def test_an_operator(conditions: list[Told], tone: Tone) -> None:
    assert verdicts.operator_verdict(conditions=conditions).tone is tone


@pytest.mark.parametrize(
    ("conditions", "tone"),
    [
        (told(Available="True", Failing="False", Progressing="False"), Tone.WELL),
        (told(Available="True", Progressing="False"), Tone.WELL),
        (told(Available="True", Failing="True", Progressing="True"), Tone.WARNING),
        (told(Available="True", Failing="Perhaps"), Tone.UNKNOWN),
        (told(Available="True", Progressing="True"), Tone.BUSY),
        (told(Progressing="False"), Tone.UNKNOWN),
    ],
)
def test_the_version_of_openshift(conditions: list[Told], tone: Tone) -> None:
    assert verdicts.cluster_version_verdict(conditions=conditions).tone is tone


def test_what_an_update_says_of_itself_is_the_reason() -> None:
    working = Told("Progressing", "True", message="Working towards 4.16.4: 604 of 891 done")
    verdict = verdicts.cluster_version_verdict(conditions=[Told("Available", "True"), working])
    assert verdict == Verdict(Tone.BUSY, "Working towards 4.16.4: 604 of 891 done")


@pytest.mark.parametrize(
    ("conditions", "degraded", "is_paused", "tone", "words"),
    [
        (told(Updated="True"), 0, False, Tone.WELL, "updated"),
        (told(Updating="True"), 0, False, Tone.BUSY, "updating, 2 of 3 machines done"),
        (told(Updated="True"), 0, True, Tone.HELD, "paused"),
        (told(Updated="True"), 1, False, Tone.WARNING, "1 of 3 machines degraded"),
        (told(Updated="True", NodeDegraded="True"), 0, False, Tone.WARNING, "degraded"),
        ([], 0, False, Tone.UNKNOWN, "whether it is updated is not known"),
    ],
)
def test_a_pool(conditions: list[Told], degraded: int, is_paused: bool, tone: Tone, words: str) -> None:
    verdict = verdicts.pool_verdict(
        conditions=conditions, machines=3, updated=2, degraded=degraded, is_paused=is_paused
    )
    assert verdict.tone is tone
    assert verdict.reason.startswith(words)


def test_the_toolchain_is_as_ready_as_it_says_and_names_the_part_that_is_not() -> None:
    assert verdicts.toolchain_verdict(conditions=told(Ready="True"), parts={}).tone is Tone.WELL
    assert verdicts.toolchain_verdict(conditions=[], parts={}).tone is Tone.UNKNOWN
    verdict = verdicts.toolchain_verdict(
        conditions=[Told("Ready", "False", "ComponentsNotReady")], parts={"member m01": told(Ready="False")}
    )
    assert verdict == Verdict(Tone.WARNING, "not ready: ComponentsNotReady · member m01 not ready")


@pytest.mark.parametrize(("is_enabled", "tone"), [(True, Tone.WARNING), (False, Tone.HELD)])
def test_a_member_that_takes_no_spaces_is_held_when_somebody_wants_it_so(is_enabled: bool, tone: Tone) -> None:
    assert verdicts.provisioner_verdict(conditions=told(Ready="False"), is_enabled=is_enabled).tone is tone


@pytest.mark.parametrize(
    ("phase", "components", "tone"),
    [
        ("Available", {"server": "Running", "sso": "Unknown"}, Tone.WELL),
        ("Available", {"applicationset": "Failed"}, Tone.WARNING),
        ("Available", {"redis": "Pending"}, Tone.BUSY),
        ("Available", {"redis": "Dancing"}, Tone.UNKNOWN),
        ("Pending", {}, Tone.BUSY),
        ("Failed", {}, Tone.WARNING),
        ("", {}, Tone.UNKNOWN),
    ],
)
def test_argo_cd_as_its_operator_sees_it(phase: str, components: dict[str, str], tone: Tone) -> None:
    assert verdicts.argocd_verdict(phase=phase, components=components).tone is tone


@pytest.mark.parametrize(
    ("state", "conditions", "tone"),
    [
        ("AtLatestKnown", [], Tone.WELL),
        ("AtLatestKnown", told(CatalogSourcesUnhealthy="False"), Tone.WELL),
        ("AtLatestKnown", told(CatalogSourcesUnhealthy="True"), Tone.WARNING),
        ("UpgradePending", told(InstallPlanPending="True"), Tone.HELD),
        ("UpgradeFailed", [], Tone.WARNING),
        ("", [], Tone.UNKNOWN),
        ("New", [], Tone.UNKNOWN),
    ],
)
def test_a_subscription(state: str, conditions: list[Told], tone: Tone) -> None:
    assert verdicts.subscription_verdict(state=state, conditions=conditions).tone is tone


@pytest.mark.parametrize(
    ("phase", "tone"),
    [
        ("Succeeded", Tone.WELL),
        ("Installing", Tone.BUSY),
        ("Failed", Tone.WARNING),
        ("Unknown", Tone.UNKNOWN),
        ("", Tone.UNKNOWN),
    ],
)
def test_an_installed_operator(phase: str, tone: Tone) -> None:
    assert verdicts.csv_verdict(phase=phase, reason="", message="").tone is tone


AVAILABLE = "ManagedClusterConditionAvailable"


@pytest.mark.parametrize(
    ("conditions", "is_accepted", "is_deleting", "tone"),
    [
        (told(ManagedClusterJoined="True", **{AVAILABLE: "True"}), True, False, Tone.WELL),
        (told(ManagedClusterJoined="True", **{AVAILABLE: "False"}), True, False, Tone.WARNING),
        (told(ManagedClusterJoined="True", **{AVAILABLE: "Unknown"}), True, False, Tone.UNKNOWN),
        (told(ManagedClusterJoined="True"), True, False, Tone.UNKNOWN),
        ([], True, False, Tone.BUSY),
        (told(ManagedClusterJoined="True", **{AVAILABLE: "True"}), False, False, Tone.HELD),
        (told(ManagedClusterJoined="True", **{AVAILABLE: "True"}), True, True, Tone.BUSY),
    ],
)
def test_a_cluster_of_a_hub(conditions: list[Told], is_accepted: bool, is_deleting: bool, tone: Tone) -> None:
    verdict = verdicts.managed_cluster_verdict(conditions=conditions, is_accepted=is_accepted, is_deleting=is_deleting)
    assert verdict.tone is tone
