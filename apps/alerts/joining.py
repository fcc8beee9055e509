"""What an alert is about: its cluster, environment, Application and owner, by its labels and the fleet file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apps.core.matchers import are_met
from apps.core.text import clean
from apps.fleet.naming import ClusterNames, is_in_cluster
from apps.sources.fleetfile.schema import ArgoCD, FleetFile

# Labels of Argo CD's own metric argocd_app_info, which its alerts keep; `name` is an Application's name only there.
ARGOCD_LABELS = frozenset({"dest_server", "dest_namespace", "sync_status", "health_status", "autosync_enabled"})


@dataclass(frozen=True, slots=True)
class ApplicationPlace:
    """An Application's names and where it is deployed."""

    instance: str
    namespace: str
    name: str
    cluster: str
    destination_namespace: str
    environment: str

    @property
    def key(self) -> str:
        """As an episode names it."""
        return f"{self.instance}/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Joined:
    """What labels say of an alert; `cluster_told` is the label's word where no cluster is called so."""

    cluster: str
    cluster_told: str
    environment: str
    application: str
    owner: str
    is_slo: bool
    is_control_plane: bool


class AlertJoiner:
    """Joins the alerts of one Alertmanager to the things of one fleet file and the Applications of the moment.

    The defaults are for alerts whose labels name nothing; `learnt` are clusters' names that Argo CD uses, as
    (name, cluster).
    """

    def __init__(
        self,
        fleet: FleetFile,
        applications: Iterable[ApplicationPlace] = (),
        *,
        default_cluster: str = "",
        default_environment: str = "",
        learnt: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._fleet = fleet
        self._names = ClusterNames(fleet, learnt)
        self._default_cluster = default_cluster
        self._default_environment = default_environment
        self._environments = {
            name.casefold(): environment.name
            for environment in fleet.environments
            for name in (environment.name, *environment.aliases)
        }
        self._environment_of_cluster = {cluster.name: cluster.environment for cluster in fleet.clusters}
        self._by_name: dict[str, list[ApplicationPlace]] = defaultdict(list)
        self._by_destination: dict[tuple[str, str], list[ApplicationPlace]] = defaultdict(list)
        for place in applications:
            self._by_name[place.name].append(place)
            self._by_destination[place.cluster, place.destination_namespace].append(place)

    def joined(self, labels: Mapping[str, str], annotations: Mapping[str, str]) -> Joined:
        """All that labels (and for the owner, annotations) say."""
        environment = self._environment_told(labels)
        told = next((labels[name] for name in self._fleet.alerts.cluster_labels if labels.get(name)), "")
        cluster = self._cluster(told, environment)
        environment = environment or self._environment_of_cluster.get(cluster, "") or self._default_environment
        return Joined(
            cluster=cluster,
            cluster_told="" if cluster else clean(told, 300),
            environment=environment,
            application=self._application(labels, cluster, environment),
            owner=self._owner(labels, annotations),
            is_slo=are_met(self._fleet.alerts.slo, labels),
            is_control_plane=are_met(self._fleet.alerts.control_plane, labels),
        )

    def _environment_told(self, labels: Mapping[str, str]) -> str:
        told = next((labels[name] for name in self._fleet.alerts.environment_labels if labels.get(name)), "")
        return self._environments.get(told.casefold(), "")

    def _cluster(self, told: str, environment: str) -> str:
        if not told:
            return self._default_cluster
        if is_in_cluster(told):
            return self._control_plane(environment)
        return self._names.cluster_of(told)

    def _control_plane(self, environment: str) -> str:
        """The cluster that Argo CD calls its own, where only one can be meant."""
        wanted = environment or self._default_environment
        meant = {
            instance.control_plane
            for instance in self._fleet.argocd
            if instance.control_plane and wanted in {"", self._environment_of(instance)}
        }
        return meant.pop() if len(meant) == 1 else ""

    def _environment_of(self, instance: ArgoCD) -> str:
        return instance.environment or self._environment_of_cluster.get(instance.control_plane or "", "")

    def _application(self, labels: Mapping[str, str], cluster: str, environment: str) -> str:
        if names_application(labels):
            return _only(self._named(labels, environment))
        namespace = labels.get("dest_namespace") or labels.get("namespace", "")
        return _only(self._by_destination.get((cluster, namespace), ())) if cluster and namespace else ""

    def _named(self, labels: Mapping[str, str], environment: str) -> list[ApplicationPlace]:
        """The Applications that an alert of Argo CD can mean: the name decides, the rest only narrows."""
        places = self._by_name.get(labels["name"], [])
        server = labels.get("dest_server", "")
        destination = "" if is_in_cluster(server) else self._names.cluster_of(server)
        for field, wanted in (
            ("namespace", labels.get("namespace", "")),
            ("cluster", destination),
            ("environment", environment),
        ):
            places = [place for place in places if getattr(place, field) == wanted] or places
        return places

    def _owner(self, labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
        for owner in self._fleet.owners:
            if are_met(owner.matchers, labels):
                return owner.name
        names = self._fleet.alerts.owner_labels
        return clean(next((told for name in names if (told := labels.get(name) or annotations.get(name))), ""), 300)


def is_of_argocd(labels: Mapping[str, str]) -> bool:
    """Whether an alert comes from Argo CD's metric of Applications, so that `name` names one."""
    return not ARGOCD_LABELS.isdisjoint(labels) or "argocd" in labels.get("alertname", "").casefold()


def names_application(labels: Mapping[str, str]) -> bool:
    """Whether they name an Application: any other alert is joined to the one of its namespace, if to any."""
    return is_of_argocd(labels) and bool(labels.get("name"))


def _only(places: Iterable[ApplicationPlace]) -> str:
    """The one Application that is meant; "" for none or several."""
    keys = {place.key for place in places}
    return keys.pop() if len(keys) == 1 else ""
