"""Whether a cluster is well, and each thing in it. A condition's status is True, False or Unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from apps.core.tones import Tone
from apps.core.verdict import Verdict, strictest_verdict

NODE = "Node"
NOT_READY = "NotReady"
NODE_PROBLEMS = {
    "MemoryPressure": "memory pressure",
    "DiskPressure": "disk pressure",
    "PIDPressure": "too many processes",
    "NetworkUnavailable": "network unavailable",
}
SUBSCRIPTION_PROBLEMS = frozenset(
    {"CatalogSourcesUnhealthy", "InstallPlanFailed", "ResolutionFailed", "BundleUnpackFailed", "InstallPlanMissing"}
)
CSV_UNDER_WAY = frozenset({"Pending", "InstallReady", "Installing", "Replacing", "Deleting"})


class ConditionFacts(Protocol):
    """A condition, of whatever class."""

    @property
    def type(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def message(self) -> str: ...


Conditions = Iterable[ConditionFacts]


class Part(NamedTuple):
    """One thing in a cluster with its own verdict; `kind` as in ClusterObject, `status` its own word."""

    kind: str
    name: str
    verdict: Verdict
    status: str = ""


@dataclass(frozen=True, kw_only=True)
class ClusterFacts:
    """A cluster as it stands. `unreached` and `cannot_read` are reasons, "" where it answers us.

    `argocd_status` is Argo CD's connectionState, told where `has_credentials` is False; `not_allowed` are the types
    that our account may not read, `unreadable` the things whose answer has another shape than expected.
    """

    has_credentials: bool = True
    was_read: bool = True
    is_lost: bool = False
    unreached: str = ""
    cannot_read: str = ""
    argocd_status: str = ""
    not_allowed: Sequence[str] = ()
    unreadable: Sequence[str] = ()
    parts: Sequence[Part] = ()


def cluster_verdict(facts: ClusterFacts) -> Verdict:
    """Well only when its API answered us, every type of it could be read, and every part of it is well."""
    if facts.is_lost:
        return Verdict(Tone.CRITICAL, f"lost: {facts.unreached or 'its API does not answer'}")
    if facts.unreached:
        return Verdict(Tone.UNKNOWN, f"cannot be reached: {facts.unreached}")
    if facts.cannot_read:
        return Verdict(Tone.UNKNOWN, f"cannot be read: {facts.cannot_read}")
    if not facts.has_credentials:
        return _told_by_argocd(facts.argocd_status)
    if not facts.was_read:
        return Verdict(Tone.UNKNOWN, "never read")
    unseen = [*_rights(facts.not_allowed), *_unreadable(facts.unreadable)]
    verdict = strictest_verdict([*unseen, *_by_kind(facts.parts)])
    return verdict if verdict.reason else Verdict(verdict.tone, "its API answers, and all that it tells is right")


def _told_by_argocd(status: str) -> Verdict:
    if status == "Successful":
        return Verdict(Tone.HELD, "Argo CD reaches it; the fleet file gives no credentials to read its API")
    return Verdict(Tone.UNKNOWN, "never read: the fleet file gives no credentials, and Argo CD tells nothing of it")


def _rights(not_allowed: Sequence[str]) -> list[Verdict]:
    """What cannot be looked at is not known to be well."""
    named = ", ".join(not_allowed)
    return [Verdict(Tone.UNKNOWN, f"our account may not read {named}")] if named else []


def _unreadable(names: Sequence[str]) -> list[Verdict]:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return [Verdict(Tone.UNKNOWN, f"{names[0]}{more} cannot be read")] if names else []


def _by_kind(parts: Sequence[Part]) -> list[Verdict]:
    """One verdict per kind, so that ten broken operators leave room for the reason of a broken node."""
    kinds = dict.fromkeys(part.kind for part in parts)
    if NODE not in kinds:
        return [Verdict(Tone.UNKNOWN, "no node is known"), *(_of_kind(kind, parts) for kind in kinds)]
    return [_of_kind(kind, parts) for kind in kinds]


def _of_kind(kind: str, parts: Sequence[Part]) -> Verdict:
    of_kind = [part for part in parts if part.kind == kind]
    worst = min(of_kind, key=lambda part: part.verdict.tone.rank)
    tone = worst.verdict.tone
    if tone is Tone.WELL:
        return Verdict(Tone.WELL, "")
    alike = sum(part.verdict.tone is tone for part in of_kind)
    if kind == NODE and all(part.status == NOT_READY for part in of_kind):
        return Verdict(Tone.CRITICAL, f"none of {len(of_kind)} nodes is ready")
    more = f" and {alike - 1} more" if alike > 1 else ""
    return Verdict(tone, f"{kind} {worst.name}{more}: {worst.verdict.reason}")


def node_verdict(*, conditions: Conditions, is_unschedulable: bool = False) -> Verdict:
    """Well when Ready, under no pressure and not cordoned."""
    by_type = _by_type(conditions)
    found = [_ready_node(by_type.get("Ready"))]
    for type_, words in NODE_PROBLEMS.items():
        condition = by_type.get(type_)
        if condition is not None and condition.status == "True":
            found.append(Verdict(Tone.WARNING, _because(words, condition)))
        elif condition is not None and condition.status != "False":
            found.append(Verdict(Tone.UNKNOWN, f"{words}: not known"))
    if is_unschedulable:
        found.append(Verdict(Tone.HELD, "cordoned"))
    return strictest_verdict(found)


def _ready_node(ready: ConditionFacts | None) -> Verdict:
    """Ready=Unknown means that the kubelet has not told for 40 s: the node is as good as gone, not merely not known."""
    if ready is None:
        return Verdict(Tone.UNKNOWN, "does not tell whether it is ready")
    if ready.status == "True":
        return Verdict(Tone.WELL, "ready")
    return Verdict(Tone.WARNING, _because("not ready", ready))


def cluster_version_verdict(*, conditions: Conditions) -> Verdict:
    """Of OpenShift's ClusterVersion: well when Available, not Failing and not Progressing."""
    by_type = _by_type(conditions)
    failing = by_type.get("Failing")
    found = [_available(by_type.get("Available")), *_progressing(by_type.get("Progressing"))]
    if failing is not None and failing.status == "True":
        found.append(Verdict(Tone.WARNING, _because("the update fails", failing)))
    elif failing is not None and failing.status != "False":
        found.append(Verdict(Tone.UNKNOWN, "whether it fails is not known"))
    return strictest_verdict(found)


def operator_verdict(*, conditions: Conditions) -> Verdict:
    """Of a ClusterOperator: well when Available, not Degraded and not Progressing."""
    by_type = _by_type(conditions)
    degraded = by_type.get("Degraded")
    found = [_available(by_type.get("Available")), *_progressing(by_type.get("Progressing"))]
    if degraded is None or degraded.status not in {"True", "False"}:
        found.append(Verdict(Tone.UNKNOWN, "whether it is degraded is not known"))
    elif degraded.status == "True":
        found.append(Verdict(Tone.WARNING, _because("degraded", degraded)))
    return strictest_verdict(found)


def _available(available: ConditionFacts | None) -> Verdict:
    if available is None or available.status not in {"True", "False"}:
        return Verdict(Tone.UNKNOWN, "whether it is available is not known")
    if available.status == "False":
        return Verdict(Tone.WARNING, _because("not available", available))
    return Verdict(Tone.WELL, "available")


def _progressing(progressing: ConditionFacts | None) -> list[Verdict]:
    if progressing is None or progressing.status == "False":
        return []
    if progressing.status == "True":
        return [Verdict(Tone.BUSY, progressing.message or progressing.reason or "under way")]
    return [Verdict(Tone.UNKNOWN, "whether it is progressing is not known")]


def pool_verdict(*, conditions: Conditions, machines: int, updated: int, degraded: int, is_paused: bool) -> Verdict:
    """Of a MachineConfigPool: well when Updated, with no machine degraded, and not paused."""
    by_type = _by_type(conditions)
    found = [
        Verdict(Tone.WARNING, _because("degraded", by_type[type_]))
        for type_ in ("Degraded", "NodeDegraded", "RenderDegraded")
        if type_ in by_type and by_type[type_].status == "True"
    ]
    if degraded and not found:
        found.append(Verdict(Tone.WARNING, f"{degraded} of {machines} machines degraded"))
    if is_paused:
        found.append(Verdict(Tone.HELD, "paused"))
    if "Updating" in by_type and by_type["Updating"].status == "True":
        found.append(Verdict(Tone.BUSY, f"updating, {updated} of {machines} machines done"))
    elif "Updated" in by_type and by_type["Updated"].status == "True":
        found.append(Verdict(Tone.WELL, "updated"))
    else:
        found.append(Verdict(Tone.UNKNOWN, "whether it is updated is not known"))
    return strictest_verdict(found)


def ready_verdict(*, conditions: Conditions) -> Verdict:
    """Of whatever tells a Ready condition: the Toolchain's types, and parts of them."""
    ready = _by_type(conditions).get("Ready")
    if ready is None or ready.status not in {"True", "False"}:
        return Verdict(Tone.UNKNOWN, _because("whether it is ready is not known", ready))
    return (
        Verdict(Tone.WELL, "ready") if ready.status == "True" else Verdict(Tone.WARNING, _because("not ready", ready))
    )


def toolchain_verdict(*, conditions: Conditions, parts: Mapping[str, Conditions]) -> Verdict:
    """Of a ToolchainStatus or MemberStatus: its own Ready, and each part (or member) that is not ready, by name."""
    found = [ready_verdict(conditions=conditions)]
    for name, of_part in parts.items():
        verdict = ready_verdict(conditions=of_part)
        if verdict.tone is Tone.WARNING:
            found.append(Verdict(verdict.tone, f"{name} {verdict.reason}"))
    return strictest_verdict(found)


def provisioner_verdict(*, conditions: Conditions, is_enabled: bool) -> Verdict:
    """Of a SpaceProvisionerConfig: held when it is switched off, else by its Ready condition."""
    if not is_enabled:
        return Verdict(Tone.HELD, "takes no new spaces: switched off")
    return ready_verdict(conditions=conditions)


def argocd_verdict(*, phase: str, components: Mapping[str, str]) -> Verdict:
    """Of the ArgoCD resource. A component that is off says Unknown and is fine (argocd-operator, status.go)."""
    found = [_phase(phase, well={"Available"}, busy={"Pending"}, broken={"Failed"})]
    for name, told in components.items():
        if told == "Failed":
            found.append(Verdict(Tone.WARNING, f"{name} failed"))
        elif told == "Pending":
            found.append(Verdict(Tone.BUSY, f"{name} is starting"))
        elif told not in {"Running", "Unknown", ""}:
            found.append(Verdict(Tone.UNKNOWN, f"{name}: {told} is not known to the portal"))
    return strictest_verdict(found)


def subscription_verdict(*, state: str, conditions: Conditions) -> Verdict:
    """Of an OLM Subscription: well at the latest known version, held when an upgrade waits for somebody."""
    found = [
        Verdict(Tone.WARNING, _because(condition.type, condition))
        for condition in conditions
        if condition.type in SUBSCRIPTION_PROBLEMS and condition.status == "True"
    ]
    match state:
        case "AtLatestKnown":
            found.append(Verdict(Tone.WELL, "at the latest known version"))
        case "UpgradeFailed":
            found.append(Verdict(Tone.WARNING, "the upgrade failed"))
        case "UpgradeAvailable" | "UpgradePending":
            found.append(Verdict(Tone.HELD, "an upgrade waits"))
        case _:
            found.append(Verdict(Tone.UNKNOWN, f"state {state or 'not told'}"))
    return strictest_verdict(found)


def csv_verdict(*, phase: str, reason: str, message: str) -> Verdict:
    """Of a ClusterServiceVersion: well when it Succeeded."""
    verdict = _phase(phase, well={"Succeeded"}, busy=CSV_UNDER_WAY, broken={"Failed"})
    told = message or reason
    return verdict if verdict.tone is Tone.WELL or not told else Verdict(verdict.tone, f"{verdict.reason}: {told}")


def managed_cluster_verdict(*, conditions: Conditions, is_accepted: bool, is_deleting: bool) -> Verdict:
    """Of a ManagedCluster on a hub. Available absent or Unknown: its agent does not tell (open-cluster-management)."""
    by_type = _by_type(conditions)
    joined, available = by_type.get("ManagedClusterJoined"), by_type.get("ManagedClusterConditionAvailable")
    if is_deleting:
        return Verdict(Tone.BUSY, "being detached from the hub")
    if not is_accepted:
        return Verdict(Tone.HELD, "not accepted by the hub")
    if joined is None or joined.status != "True":
        return Verdict(Tone.BUSY, "import pending")
    if available is None or available.status not in {"True", "False"}:
        return Verdict(Tone.UNKNOWN, _because("the hub has lost touch with it", available))
    if available.status == "False":
        return Verdict(Tone.WARNING, _because("the hub says that it is not available", available))
    return Verdict(Tone.WELL, "available")


def _phase(phase: str, *, well: Iterable[str], busy: Iterable[str], broken: Iterable[str]) -> Verdict:
    if phase in well:
        return Verdict(Tone.WELL, phase)
    if phase in busy:
        return Verdict(Tone.BUSY, phase)
    if phase in broken:
        return Verdict(Tone.WARNING, phase)
    return Verdict(Tone.UNKNOWN, f"phase {phase or 'not told'}")


def _by_type(conditions: Conditions) -> dict[str, ConditionFacts]:
    return {condition.type: condition for condition in conditions}


def _because(words: str, condition: ConditionFacts | None) -> str:
    told = (condition.message or condition.reason) if condition else ""
    return f"{words}: {told}" if told else words
