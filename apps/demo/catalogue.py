"""The names of Stonesoup in 2023: ApplicationSets, cluster operators, alert rules. The texts are the demo's own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

REPOSITORY = "https://github.com/redhat-appstudio/infra-deployments.git"
RUNBOOKS = "https://gitlab.example.com/rhtap/docs/sop/-/blob/main"
TENANT = "rhtap"
TENANT_ID = "0fc2b00e-201b-4c17-b9f2-19d91adc4fd2"
STABLE_VERSION = "4.12.19"
NEXT_VERSION = "4.12.22"
KUBERNETES_VERSION = "v1.25.8+37a9a08"


@dataclass(frozen=True)
class ApplicationSet:
    """A set: the roles of the clusters it goes to, the namespace it fills, whether it runs workloads there."""

    name: str
    namespace: str
    on: frozenset[str] = frozenset({"member"})
    runs_workloads: bool = True
    auto_sync: bool = True


EVERYWHERE = frozenset({"host", "member"})
HOST_ONLY = frozenset({"host"})
ONE_MEMBER = frozenset({"first-member"})

SETS: tuple[ApplicationSet, ...] = (
    ApplicationSet("application-api", "application-api", runs_workloads=False),
    ApplicationSet("authentication", "default", EVERYWHERE, runs_workloads=False),
    ApplicationSet("build-service", "build-service"),
    ApplicationSet("build-templates", "build-templates", runs_workloads=False),
    ApplicationSet("cluster-registration", "cluster-reg-config"),
    ApplicationSet("cluster-secret-store", "default", EVERYWHERE, runs_workloads=False),
    ApplicationSet("disable-csvcopy", "default", EVERYWHERE, runs_workloads=False),
    ApplicationSet("dora-metrics", "dora-metrics", EVERYWHERE),
    ApplicationSet("enterprise-contract", "enterprise-contract-service", runs_workloads=False),
    ApplicationSet("external-secrets-operator", "external-secrets-operator", EVERYWHERE),
    ApplicationSet("gitops", "gitops"),
    ApplicationSet("has", "application-service"),
    ApplicationSet("image-controller", "image-controller"),
    ApplicationSet("integration", "integration-service"),
    ApplicationSet("internal-services", "internal-services"),
    ApplicationSet("jvm-build-service", "jvm-build-service"),
    ApplicationSet("monitoring-workload-grafana", "appstudio-grafana", EVERYWHERE),
    ApplicationSet("monitoring-workload-logging", "appstudio-workload-monitoring", EVERYWHERE),
    ApplicationSet("monitoring-workload-prometheus", "appstudio-workload-monitoring", EVERYWHERE),
    ApplicationSet("o11y", "o11y"),
    ApplicationSet("pipeline-service", "openshift-pipelines"),
    ApplicationSet("release", "release-service"),
    ApplicationSet("spi", "spi-system"),
    ApplicationSet("spi-vault", "spi-vault"),
    ApplicationSet("sprayproxy", "sprayproxy", HOST_ONLY),
    ApplicationSet("tekton-ci", "tekton-ci", ONE_MEMBER, runs_workloads=False, auto_sync=False),
)

LATER_SETS = [
    "backup",
    "ca-bundle",
    "cert-manager",
    "cost-management",
    "crossplane-config",
    "etcd-defrag",
    "image-rbac-proxy",
    "k8s-groups",
    "knative-eventing",
    "konflux-info",
    "konflux-kite",
    "konflux-rbac",
    "konflux-ui",
    "kubearchive",
    "kubelet-config",
    "kueue",
    "kyverno",
    "mintmaker",
    "monitoring-blackbox",
    "monitoring-cardinality",
    "monitoring-registry",
    "multi-platform-controller",
    "namespace-lister",
    "notification-controller",
    "perf-team-prometheus-reader",
    "policies",
    "proactive-scaler",
    "project-controller",
    "pulp-access-controller",
    "repository-validator",
    "smee-client",
    "squid",
    "tracing-workload-tracing",
    "trust-manager",
    "vector-tekton-logs-collector",
    "quality-dashboard",
]


def application_sets() -> Iterator[ApplicationSet]:
    """The sets of 2023, then those of later years, then numbered ones without end: as many as a bigger fleet needs."""
    yield from SETS
    for round_number in itertools.count(1):
        for position, name in enumerate(LATER_SETS):
            numbered = name if round_number == 1 else f"{name}-{round_number}"
            yield ApplicationSet(numbered, numbered, EVERYWHERE, runs_workloads=position % 3 > 0)


OPERATORS = [
    "authentication",
    "baremetal",
    "cloud-controller-manager",
    "cloud-credential",
    "cluster-autoscaler",
    "config-operator",
    "console",
    "control-plane-machine-set",
    "csi-snapshot-controller",
    "dns",
    "etcd",
    "image-registry",
    "ingress",
    "insights",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-storage-version-migrator",
    "machine-api",
    "machine-approver",
    "machine-config",
    "marketplace",
    "monitoring",
    "network",
    "node-tuning",
    "openshift-apiserver",
    "openshift-controller-manager",
    "openshift-samples",
    "operator-lifecycle-manager",
    "service-ca",
    "storage",
]


@dataclass(frozen=True)
class AlertRule:
    """An alerting rule. summary and description may use {cluster}, {namespace}, {pod} and {name}.

    `runbook` is a path below the runbooks' folder; None, and the rule has no runbook, as some have not; "", and its
    annotation is empty. One of the paths leads to a page that nobody has written.
    """

    name: str
    severity: str
    summary: str
    description: str
    expr: str
    component: str = ""
    team: str = ""
    slo: str = ""
    wait: int = 300
    runbook: str | None = None
    control_plane: bool = False
    per_pod: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """The labels that the rule itself adds."""
        found = {"severity": self.severity}
        found |= {"component": self.component} if self.component else {}
        found |= {"slo": self.slo} if self.slo else {}
        return found | ({"control_plane": "true", "team": self.team} if self.control_plane else {})

    @property
    def routing(self) -> dict[str, str]:
        """The annotations about whom it goes to and where its runbook is."""
        found = {"team": self.team} if self.team and not self.control_plane else {}
        if self.slo == "true":
            found["alert_team_handle"] = f"<!subteam^{self.team}>"
        elif self.team:
            found["alert_routing_key"] = self.team
        if self.runbook is None:
            return found
        return found | {"runbook_url": f"{RUNBOOKS}/{self.runbook}" if self.runbook else ""}


def _down(name: str, component: str, team: str, namespace: str, runbook: str) -> AlertRule:
    return AlertRule(
        name,
        "critical",
        f"{component} is down on {{cluster}}",
        f"None of the replicas of {component} in namespace {namespace} on {{cluster}} answered for five minutes.",
        f'konflux_up{{namespace="{namespace}",check="replicas-available"}} != 1',
        component,
        team,
        "true",
        runbook=runbook,
    )


CONTROL_PLANE_RULES: tuple[AlertRule, ...] = (
    AlertRule(
        "DegradedArgocdApp",
        "warning",
        "Application {name} is Degraded",
        "Argo CD has called {name} on {cluster} Degraded for five minutes.",
        'last_over_time(argocd_app_info{health_status="Degraded"}[2m]) == 1',
        team="rhtap",
        control_plane=True,
        runbook="o11y/alert-rule-degradedArgocdApp.md",
    ),
    AlertRule(
        "ProgressingArgocdApp",
        "warning",
        "Application {name} does not become healthy",
        "{name} on {cluster} has been Progressing for more than nineteen minutes.",
        'last_over_time(argocd_app_info{health_status="Progressing"}[20m]) == 1',
        team="rhtap",
        control_plane=True,
        wait=60,
        runbook="o11y/alert-rule-degradedArgocdApp.md#it-stays-progressing",
    ),
    AlertRule(
        "ArgoCDSyncAlert",
        "warning",
        "Application {name} is OutOfSync",
        "{name} differs from Git and nothing has synced it for five minutes.",
        'argocd_app_info{sync_status="OutOfSync"} > 0',
        team="rhtap",
        control_plane=True,
    ),
    AlertRule(
        "RepoServerNotReady",
        "critical",
        "The repo-server of Argo CD is not ready",
        "Manifests cannot be generated: no Application of this instance is compared with Git.",
        "argocd_repo_server_ready_replicas < 1",
        component="argocd",
        team="rhtap",
        slo="true",
        wait=60,
        control_plane=True,
        runbook="sre/argocd-repo-server.md",
    ),
    AlertRule(
        "Watchdog",
        "none",
        "The way of the alerts works",
        "Fires always; it is bad news when it is missing.",
        "vector(1)",
        wait=0,
    ),
)

DATA_PLANE_RULES: tuple[AlertRule, ...] = (
    _down("BuildServiceDown", "build-service", "build", "build-service", "build/service-down.md"),
    _down("ImageControllerDown", "image-controller", "build", "image-controller", "build/service-down.md"),
    _down(
        "IntegrationServiceAvailabilitySLOViolation",
        "integration-service",
        "integration",
        "integration-service",
        "integration-service/sre/availability.md",
    ),
    _down("ReleaseServiceControllerManagerDown", "release-service", "release", "release-service", "release/down.md"),
    _down(
        "PipelinesAsCodeWatcherDown", "pipelines-as-code", "pipelines", "openshift-pipelines", "pipeline-service/faq.md"
    ),
    _down(
        "TektonPipelinesControllerDown",
        "tekton-pipelines",
        "pipelines",
        "openshift-pipelines",
        "pipeline-service/faq.md",
    ),
    _down("TektonChainsControllerDown", "tekton-chains", "pipelines", "openshift-pipelines", "pipeline-service/faq.md"),
    _down(
        "PrometheusReadyFederateAlert",
        "prometheus",
        "o11y",
        "appstudio-workload-monitoring",
        "o11y/prometheus-ready.md",
    ),
    AlertRule(
        "KonfluxAPIServerHighErrorRate",
        "critical",
        "The API server of {cluster} fails too often",
        "More than a tenth of the requests to the API server of {cluster} ended with a 5xx in the last 15 minutes.",
        'konflux_up{check="api-error-rate"} < 0.9',
        "api-server",
        "konflux-infra",
        "true",
        wait=900,
        runbook="infra/sre/api-server.md#it-fails-too-often",
    ),
    AlertRule(
        "KonfluxAPIServerLatencyWarning",
        "warning",
        "The API server of {cluster} is slow",
        "More than one request in a hundred took longer than a second on {cluster}.",
        "apiserver:latency:ratio_5m < 0.99",
        "api-server",
        "konflux-infra",
        wait=900,
        runbook="infra/sre/api-server.md#it-is-slow",
    ),
    AlertRule(
        "EtcdDatabaseQuotaLowSpaceWarning",
        "warning",
        "etcd of {cluster} fills up",
        "The database of etcd on {cluster} uses more than two thirds of its quota.",
        "etcd_mvcc_db_total_size_in_bytes / etcd_server_quota_backend_bytes > 0.65",
        "etcd",
        "o11y",
    ),
    AlertRule(
        "EtcdDatabaseQuotaLowSpaceCritical",
        "critical",
        "etcd of {cluster} is nearly full",
        "The database of etcd on {cluster} uses more than nine tenths of its quota; writes will soon be refused.",
        "etcd_mvcc_db_total_size_in_bytes / etcd_server_quota_backend_bytes > 0.9",
        "etcd",
        "o11y",
        "true",
        runbook="o11y/etcd-space.md",
    ),
    AlertRule(
        "BackupNotRunning",
        "warning",
        "No backup on {cluster} for a day",
        "The schedule backup-tenants has not begun a backup on {cluster} for 25 hours.",
        "time() - velero_backup_last_successful_timestamp > 90000",
        "oadp",
        "spreandinfra",
        runbook="infra/disaster-recovery/oadp-alerts.md",
    ),
    AlertRule(
        "BackupFailed",
        "warning",
        "Backups fail on {cluster}",
        "Several backups of the schedule backup-tenants failed on {cluster} within the last hour.",
        "increase(velero_backup_failure_total[1h]) > 0",
        "oadp",
        "spreandinfra",
        runbook="infra/disaster-recovery/oadp-alerts.md",
    ),
    AlertRule(
        "BuildPlrToSnapshotInProgress",
        "high",
        "Snapshots are late on {cluster}",
        "A quarter of the finished build pipelines on {cluster} waited more than 30 s for their Snapshot.",
        "integration_svc_snapshot_delay:ratio_30m > 0.25",
        "integration-service",
        "integration",
        "false",
        wait=1800,
        runbook="integration-service/sre/availability.md#snapshots-are-late",
    ),
    AlertRule(
        "ReleaseServiceValidationDurationSeconds",
        "high",
        "Releases are validated slowly on {cluster}",
        "Fewer than nine in ten Releases on {cluster} were validated within five seconds.",
        "release_validation_duration:ratio_15m < 0.9",
        "release-service",
        "release",
        "false",
        wait=900,
        runbook="release/down.md#validation-is-slow",
    ),
    AlertRule(
        "KonfluxAlert",
        "warning",
        "A measure of availability is missing on {cluster}",
        "konflux_up was reported from {cluster} within the last hour and has been absent for ten minutes.",
        "konflux_up offset 1h unless konflux_up",
        team="o11y",
    ),
    AlertRule(
        "WorkerNodeHighMemory",
        "high",
        "Worker nodes of {cluster} run out of memory",
        "Less than a tenth of the worker nodes' memory on {cluster} has been free for ten minutes.",
        "node_memory:worker:free_ratio < 0.1",
        team="infra",
        wait=600,
        runbook="infra/sre/node-memory.md",
    ),
    AlertRule(
        "MasterNodeHighMemory",
        "critical",
        "Control plane nodes of {cluster} run out of memory",
        "Less than a tenth of the control plane nodes' memory on {cluster} has been free for ten minutes.",
        "node_memory:master:free_ratio < 0.1",
        team="konflux-infra",
        slo="true",
        wait=600,
        runbook="infra/sre/node-memory.md",
    ),
    AlertRule(
        "CrashLoopBackOff",
        "warning",
        "{pod} crashes again and again",
        "A container of {pod} in {namespace} on {cluster} has been in CrashLoopBackOff for 15 minutes.",
        'kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff"} == 1',
        team="{namespace}",
        wait=900,
        runbook="o11y/pods.md#it-crashes-again-and-again",
        per_pod=True,
    ),
    AlertRule(
        "PodNotReady",
        "warning",
        "{pod} is not ready",
        "{pod} in {namespace} on {cluster} has not been ready for half an hour.",
        'kube_pod_status_ready{condition="true"} == 0',
        team="{namespace}",
        wait=1800,
        runbook="o11y/pods.md#it-is-not-ready",
        per_pod=True,
    ),
    AlertRule(
        "PodOOMKilled",
        "warning",
        "{pod} was killed for want of memory",
        "A container of {pod} in {namespace} on {cluster} was killed when it reached its memory limit.",
        'kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1',
        team="{namespace}",
        slo="false",
        per_pod=True,
        runbook="o11y/pods.md#it-was-killed-for-want-of-memory",
    ),
    AlertRule(
        "PersistentVolumeIssues",
        "warning",
        "A volume of {pod} cannot be used",
        "The volume claimed by {pod} in {namespace} on {cluster} is Failed or Pending.",
        'kube_persistentvolume_status_phase{phase=~"Failed|Pending"} == 1',
        team="{namespace}",
        per_pod=True,
        runbook="o11y/pods.md#its-volume-cannot-be-used",
    ),
    AlertRule(
        "PipelineRunStuckWithChainsFinalizer",
        "warning",
        "PipelineRuns on {cluster} cannot be deleted",
        "PipelineRuns on {cluster} have waited ten minutes for the finalizer of Tekton Chains.",
        "pipelinerun_stuck_chains > 0",
        "tekton-chains",
        "pipelines",
        "false",
        wait=600,
    ),
    AlertRule(
        "ProbeAlert",
        "critical",
        "A probe of {cluster} fails",
        "The probe of {cluster} from outside has failed for 25 minutes.",
        'konflux_up{check="probe"} == 0',
        team="konflux-infra",
        slo="true",
        wait=1500,
        runbook="infra/sre/probe.md",
    ),
    AlertRule(
        "ClusterUpgradeOngoing",
        "info",
        "{cluster} is being upgraded",
        "OpenShift on {cluster} is being upgraded; nodes restart one after the other.",
        "cluster_version_progressing == 1",
        team="konflux-spre",
        slo="false",
        wait=60,
        runbook="",
    ),
)

RULES: Mapping[str, AlertRule] = MappingProxyType(
    {rule.name: rule for rule in (*CONTROL_PLANE_RULES, *DATA_PLANE_RULES)}
)
DOWN_ALERTS: Mapping[str, str] = MappingProxyType(
    {
        "build-service": "BuildServiceDown",
        "image-controller": "ImageControllerDown",
        "integration": "IntegrationServiceAvailabilitySLOViolation",
        "release": "ReleaseServiceControllerManagerDown",
        "pipeline-service": "TektonPipelinesControllerDown",
        "monitoring-workload-prometheus": "PrometheusReadyFederateAlert",
    }
)
