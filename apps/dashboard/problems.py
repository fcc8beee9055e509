"""What needs somebody, as problems, out of clusters, sources, alerts and Applications; each function one kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urlencode

from django.urls import reverse

from apps.alerts.joining import names_application
from apps.alerts.models import Episode
from apps.alerts.support import RunbookWord, Support, supports_of
from apps.core.addresses import page_address
from apps.core.lists import ALL
from apps.core.tones import Tone, strictest
from apps.core.verdict import Verdict
from apps.core.verdict.comparison import Culprit, culprit_of, signature_of
from apps.fleet.overlay import Overlay
from apps.gitops.models import Application
from apps.sources.models import Source, SourceState
from apps.sources.shown import SourceRow, source_shown

from .attention import Problem, Step, Weight, counted
from .clusters import ClusterRow

MANY = 3
SOURCES_NAMED_ALONE = 3
NO_SOURCE = "sources"


def cluster_cause(name: str) -> str:
    """The name of the problem that a cluster is."""
    return f"cluster/{name}"


def application_cause(subject: str) -> str:
    """The name of the problem that an Application is; `subject` is "<instance>/<namespace>/<name>"."""
    return f"application/{subject}"


def source_cause(source: Source) -> str:
    """The name of the problem that a source is: reading the two halves of one Argo CD fails for one cause."""
    return f"source/{source.key.replace('argocd-inventory/', 'argocd/')}"


def cluster_problems(rows: Iterable[ClusterRow], overlay: Overlay) -> Iterator[Problem]:
    """Clusters; one that is only not known because its source is not is left to the source."""
    for row in rows:
        cluster, verdict = row.cluster, row.verdict
        if not verdict.tone.needs_somebody:
            continue
        url = page_address("dashboard:cluster-show", cluster.name)
        yield Problem(
            name=cluster_cause(cluster.name),
            title=cluster.name,
            tone=verdict.tone,
            weight=Weight.LOST_CLUSTER if cluster.lost_since else Weight.CLUSTER,
            what=verdict.reason,
            place=cluster.get_role_display(),
            environment=cluster.environment,
            since=cluster.lost_since or cluster.unreached_since or cluster.tone_since,
            url=url,
            cause=cause_of_cluster(row, overlay),
            noun="cluster",
            all_url=listed("dashboard:cluster-list"),
            step=Step("Open cluster", url),
            restore_by=row.restore_by,
            is_doubtful=not cluster.lost_since and cluster.name in overlay.doubtful_clusters,
        )


def cause_of_cluster(row: ClusterRow, overlay: Overlay) -> str:
    """What leaves a cluster unknown: its source, or that no source answers; "" where it is the cluster itself."""
    if row.verdict.tone is not Tone.UNKNOWN:
        return ""
    if is_dark(overlay):
        return NO_SOURCE
    if row.cluster.name in overlay.doubtful_clusters or row.source is None or not is_doubtful(row.source, overlay):
        return ""
    return source_cause(row.source)


def source_problems(overlay: Overlay, environment: str, known: Mapping[str, ClusterRow]) -> Iterator[Problem]:
    """Sources that are not right; many in one state are one row, and a lost cluster's belongs to the cluster."""
    rows = [
        row
        for source in overlay.sources.values()
        if within(source.environment, environment)
        and (row := source_shown(source, overlay.now)).verdict.tone.needs_somebody
    ]
    if is_dark(overlay):
        yield no_source(rows)
        yield from (source_problem(row, NO_SOURCE) for row in rows)
        return
    causes = {row.source.key: cause_of_source(row.source, overlay, known) for row in rows}
    alone = [row for row in rows if row.is_doubtful and not causes[row.source.key]]
    counts = Counter(row.state for row in alone)
    many = {state: f"sources/{state}" for state, count in counts.items() if count > SOURCES_NAMED_ALONE}
    for state, name in many.items():
        yield many_sources(name, state, [row for row in alone if row.state is state])
    for row in rows:
        yield source_problem(row, causes[row.source.key] or many.get(row.state, ""))


def is_dark(overlay: Overlay) -> bool:
    """Whether none of many sources is fresh, so that the fault is most likely the portal's or its network's."""
    return overlay.total_count > SOURCES_NAMED_ALONE and not overlay.fresh_count


def no_source(rows: list[SourceRow]) -> Problem:
    """The one cause of all that is not known while no source is fresh."""
    url = listed("sources:source-list")
    return Problem(
        name=NO_SOURCE,
        title="No source is fresh",
        tone=strictest(row.verdict.tone for row in rows),
        weight=Weight.SOURCE,
        what="nothing shown here is certain: either all are away at once, or the portal cannot reach them",
        since=max((row.source.succeeded_at for row in rows if row.source.succeeded_at), default=None),
        url=url,
        noun="source",
        step=Step("Open sources", url),
    )


def source_problem(row: SourceRow, cause: str) -> Problem:
    """One source."""
    url = page_address("sources:source-show", row.source.key)
    return Problem(
        name=source_cause(row.source),
        title=row.source.title,
        tone=row.verdict.tone,
        weight=Weight.SOURCE,
        what=row.verdict.reason,
        environment=row.source.environment,
        since=row.source.failing_since or row.source.succeeded_at,
        url=url,
        cause=cause,
        noun="source",
        all_url=listed("sources:source-list"),
        step=Step("Open source", url),
    )


def many_sources(name: str, state: SourceState, rows: list[SourceRow]) -> Problem:
    """Several sources in one state, which have most likely one cause."""
    url = listed("sources:source-list")
    return Problem(
        name=name,
        title=f"{len(rows)} sources: {state.label}",
        tone=strictest(row.verdict.tone for row in rows),
        weight=Weight.SOURCE,
        what="what they told is not certain any more" if state is not SourceState.NEVER else "nothing is known of them",
        since=min((row.source.succeeded_at for row in rows if row.source.succeeded_at), default=None),
        url=url,
        noun="source",
        step=Step("Open sources", url),
    )


def cause_of_source(source: Source, overlay: Overlay, known: Mapping[str, ClusterRow]) -> str:
    """The cluster whose API does not answer, where this source is that API and the page shows the cluster."""
    row = known.get(source.cluster)
    is_api = source.kind == Source.Kind.KUBERNETES and row is not None
    is_down = source.cluster in overlay.doubtful_clusters
    return cluster_cause(source.cluster) if is_api and is_down else ""


def alert_problems(
    episodes: Iterable[Episode], spread: Mapping[str, int], applications: Collection[str], environment: str
) -> Iterator[Problem]:
    """Firing alerts; `spread` tells by name how many of an alert fire: several are one row, that counts those not read.

    An alert that names one of `applications` (problems' names) belongs to that Application's row. `environment` is the
    one shown, "" for all.
    """
    shown = list(episodes)
    supports = supports_of(shown)
    read = [
        (
            each.name,
            alert_problem(each, supports[each.pk], cause_of_alert(each, spread, applications), environment),
        )
        for each in shown
    ]
    yield from (problem for _, problem in read)
    for name, left, problem in not_read(read, spread):
        cause = named_alike(name)
        yield replace(problem, name=f"more/{cause}", cause=cause, count=left, place="", since=None, url="", step=None)


def not_read(read: Sequence[tuple[str, Problem]], totals: Mapping[str, int]) -> Iterator[tuple[str, int, Problem]]:
    """(what they have in common, how many of it were not read, the last one that was) of the problems that were read.

    `totals` are how many have it in common altogether.
    """
    counts, last = Counter(common for common, _ in read), dict(read)
    for common, count in counts.items():
        if (left := totals.get(common, 0) - count) > 0:
            yield common, left, last[common]


def alert_problem(episode: Episode, support: Support, cause: str, environment: str) -> Problem:
    """One alert that fires."""
    url = page_address("dashboard:alert-show", episode.alertmanager, episode.fingerprint)
    return Problem(
        name=f"alert/{episode.alertmanager}/{episode.fingerprint}",
        title=episode.title,
        tone=Tone(episode.tone),
        weight=alert_weight(episode),
        what=alert_told(episode),
        detail=support.words,
        place=episode.cluster or episode.cluster_told,
        environment=episode.environment,
        since=episode.began_at,
        url=url,
        cause=cause,
        noun="alert",
        all_url=listed_in(environment, "alerts:alert-list", q=episode.name),
        step=alert_step(support, url),
    )


def alert_step(support: Support, url: str) -> Step:
    """Its runbook: on the alert's page where the portal has it, else outside, unless it is known not to be there."""
    if support.word is RunbookWord.FOUND:
        return Step("Open runbook", f"{url}#runbook")
    if support.runbook and support.word is not RunbookWord.DEAD:
        return Step("Open runbook", support.runbook, is_outside=True)
    return Step("Open alert", url)


def named_alike(name: str) -> str:
    """The cause that alerts of one name have in common."""
    return f"alerts/{name}"


def cause_of_alert(episode: Episode, spread: Mapping[str, int], applications: Collection[str]) -> str:
    """The Application that it names, where that is one of these, or the alert of its name that fires more than once.

    One that only fires in an Application's namespace may have nothing to do with it.
    """
    name = application_cause(episode.application)
    if name in applications and names_application(episode.labels):
        return name
    return named_alike(episode.name) if spread.get(episode.name, 0) > 1 else ""


def alert_told(episode: Episode) -> str:
    """What it says of itself, and what its verdict says beyond the tone that its row shows."""
    reason = "" if episode.reason == f"severity {episode.tone}" else episode.reason
    return " · ".join(filter(None, [getattr(episode, "summary", ""), reason])) or episode.reason


def alert_weight(episode: Episode) -> Weight:
    """SLO first, then the control plane's."""
    if episode.is_slo:
        return Weight.SLO_ALERT
    return Weight.CONTROL_PLANE_ALERT if episode.is_control_plane else Weight.ALERT


@dataclass(frozen=True)
class Together:
    """A cause that several Applications have in common: its name, and the title of all (`{count}`).

    They are those of one component, or else those of one Argo CD.
    """

    cause: str
    title: str
    is_of_component: bool = False


def together_of(instance: str, component: str, tone: str, reason: str, repo_url: str) -> Together:
    """What an Application has in common with others that are broken alike: an Argo CD's repo-server or Git that fails,
    the same complaint, the same component on several clusters."""
    if tone != Tone.UNKNOWN:
        what = reason.partition(":")[0]
        title = f"{{count}} Applications of {component}"
        return Together(f"component/{component}/{tone}/{what}", title, is_of_component=True)
    argocd = f"Argo CD {instance}"
    match culprit_of(reason):
        case Culprit.REPO_SERVER:
            return Together(f"repo-server/{instance}", f"Repo-server of {argocd} fails: {{count}} not compared")
        case Culprit.GIT:
            return Together(f"git/{instance}/{repo_url}", f"{argocd} cannot read Git: {{count}} not compared")
        case _:
            told = signature_of(reason)
            return Together(f"applications/{instance}/{told}", f"{{count}} Applications on {argocd}")


def together_url(application: Application, alike: Together, environment: str) -> str:
    """A page of all that have it in common with the Application, in the environment shown."""
    if not alike.is_of_component:
        query = {"instance": application.instance}
    elif application.set_name:
        query = {"set": application.set_name}
    else:
        query = {"q": application.name}
    return listed_in(environment, "gitops:application-list", **query, tone=application.tone)


def applications_together(groups: Iterable[tuple[str, str, str, str, str, int]]) -> Counter[str]:
    """Cause → how many Applications have it, of (instance, component, tone, reason, repository, count)."""
    counts: Counter[str] = Counter()
    for instance, component, tone, reason, repo_url, count in groups:
        counts[together_of(instance, component, tone, reason, repo_url).cause] += count
    return counts


def application_problems(
    applications: Iterable[tuple[Application, Verdict]], together: Mapping[str, int], environment: str
) -> Iterator[Problem]:
    """Applications with their shown verdicts; MANY of one cause are one row, those that were not read counted in it.

    `environment` is the one shown, "" for all.
    """
    read: list[tuple[str, Problem]] = []
    for application, verdict in applications:
        alike = together_of(
            application.instance,
            application.set_name or application.name,
            application.tone,
            application.reason,
            application.repo_url,
        )
        is_many = together.get(alike.cause, 0) >= MANY
        problem = application_problem(application, verdict, alike if is_many else None, environment)
        read.append((problem.cause, problem))
        yield problem
    for cause, left, problem in not_read(read, together):
        yield replace(
            problem,
            name=f"more/{cause}",
            title=f"{left} more",
            url="",
            count=left,
            place="",
            step=None,
            application=None,
        )


def own_causes(problems: Iterable[Problem]) -> set[str]:
    """The names of those that nothing else causes: what came with one of many alike would be lost among the many."""
    return {problem.name for problem in problems if not problem.cause}


def application_problem(
    application: Application, verdict: Verdict, alike: Together | None, environment: str
) -> Problem:
    """One Application, with what it has in common with many in the environment shown."""
    list_of_its = listed_in(
        environment, "gitops:application-list", instance=application.instance, tone=application.tone
    )
    url = page_address("dashboard:application-show", application.instance, application.namespace, application.name)
    return Problem(
        name=application_cause(str(application)),
        title=application.name,
        tone=verdict.tone,
        weight=Weight.FAILED_ACTION if verdict.tone is Tone.CRITICAL else Weight.APPLICATION,
        what=verdict.reason,
        place=application.cluster or application.destination,
        environment=application.environment,
        since=application.tone_since,
        url=url,
        cause=alike.cause if alike else "",
        together=alike.title if alike else "",
        together_url=together_url(application, alike, environment) if alike else "",
        noun="Application",
        all_url=list_of_its,
        step=Step("Open Application", url),
        application=application,
    )


def doubted_applications(
    counts: Iterable[tuple[str, str, str, int]], overlay: Overlay, shown: str
) -> Iterator[Problem]:
    """(instance, cluster, environment, count) of Applications that are not known for a source's or a cluster's sake.

    `shown` is the environment shown, "" for all.
    """
    for instance, cluster, environment, count in counts:
        by_instance = instance in overlay.doubtful_instances
        cause = f"source/argocd/{instance}" if by_instance else cluster_cause(cluster)
        query = {"instance": instance} if by_instance else {"cluster": cluster}
        yield Problem(
            name=f"unknown/{instance}/{cluster}",
            title=counted(count, "Application not known"),
            tone=Tone.UNKNOWN,
            weight=Weight.APPLICATION,
            what=overlay.doubtful_instances.get(instance) or overlay.doubtful_clusters.get(cluster, ""),
            environment=environment,
            cause=cause,
            noun="Application not known",
            count=count,
            all_url=listed_in(shown, "gitops:application-list", tone=Tone.UNKNOWN.value, **query),
        )


def doubted_alertmanagers(overlay: Overlay, environment: str) -> Iterator[Problem]:
    """Groups of Alertmanagers whose silence proves nothing, beside a member that fails or for the watchdog's sake."""
    members: dict[str, list[Source]] = {}
    for source in overlay.sources.values():
        if source.kind == Source.Kind.ALERTMANAGER:
            members.setdefault(source.group, []).append(source)
    for group, doubt in overlay.doubtful_alertmanagers.items():
        of_group = members.get(group, [])
        failing = [source for source in of_group if is_doubtful(source, overlay)]
        if not of_group or not within(of_group[0].environment, environment):
            continue
        yield Problem(
            name=f"alertmanager/{group}",
            title=f"Alerts of {group}",
            tone=Tone.UNKNOWN,
            weight=Weight.SOURCE,
            what=f"not known: {doubt}",
            environment=of_group[0].environment,
            url=listed("alerts:alert-list", alertmanager=group),
            cause=source_cause(failing[0]) if failing else "",
            noun="group of Alertmanagers whose silence proves nothing",
            all_url=listed("alerts:alert-list"),
            step=Step("Open source", page_address("sources:source-show", of_group[0].key)),
        )


def is_doubtful(source: Source, overlay: Overlay) -> bool:
    """Whether what it told is not certain any more."""
    return source.state(overlay.now) is not SourceState.FRESH


def within(environment: str, wanted: str) -> bool:
    """Whether something of this environment belongs on a page of the wanted one ("" is all; "" belongs everywhere)."""
    return not wanted or environment in {"", wanted}


def listed_in(environment: str, view: str, **query: str) -> str:
    """The address of a list with filters in the environment shown ("" for all), whichever was looked at last."""
    return listed(view, environment=environment or ALL, **query)


@lru_cache(maxsize=1000)
def listed(view: str, **query: str) -> str:
    """The address of a list with filters."""
    return f"{reverse(view)}?{urlencode(query)}" if query else reverse(view)
