"""What a fleet file can say, as frozen models. Their descriptions become docs/configuration.md and the JSON schema.

What one key says about another one of the whole file (names that must exist or be unique) is checked in
`references.py`, so that those mistakes are told together with the ones found here.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StrictBool, StrictInt, model_validator

from apps.core.matchers import LabelMatcher, matchers_read
from apps.sources.fleetfile.fields import (
    ConnectTimeout,
    Deadline,
    FilePath,
    IncidentUrl,
    Interval,
    Matchers,
    Name,
    Retention,
    SecretReference,
    Span,
    Text,
    Url,
)
from apps.sources.fleetfile.policies import Policy
from apps.sources.fleetfile.runbooks import RunbookSource
from apps.sources.fleetfile.sections import Role, Section
from apps.sources.fleetfile.shifts import Shifts
from apps.sources.fleetfile.sso import Access, Sso


class Connection(Section):
    """How a server is reached."""

    ca: FilePath | None = Field(default=None, description="File of the authority (PEM) that signed its certificate.")
    proxy: Url | None = Field(
        default=None, description="HTTP proxy on the way to it. None is taken from the environment."
    )
    connect_timeout: ConnectTimeout = Field(
        default=timedelta(seconds=3), description="How long a connection may take to open."
    )
    deadline: Deadline = Field(default=timedelta(seconds=10), description="How long one request may take as a whole.")
    insecure_skip_verify: StrictBool = Field(
        default=False,
        description="Do not check its certificate: whoever sits in between can read the token and invent the answers."
        " `portal_check` and the Sources page say so for as long as it is on.",
    )
    client_certificate: FilePath | None = Field(
        default=None, description="Client certificate (PEM), for a server that asks for one."
    )
    client_key: FilePath | None = Field(default=None, description="Private key (PEM) of the client certificate.")

    @model_validator(mode="after")
    def _whole_pair(self) -> Self:
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("'client_certificate' and 'client_key' go together")
        return self


class Login(Section):
    """Credentials for a server that asks for them: a token, or a user name and password."""

    token: SecretReference | None = Field(default=None, description="Bearer token.")
    username: Text | None = Field(default=None, description="User name for HTTP basic authentication.")
    password: SecretReference | None = Field(default=None, description="Its password.")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("'username' and 'password' go together")
        if self.token is not None and self.username is not None:
            raise ValueError("has both 'token' and 'username': only one can be sent")
        return self


class LostAfter(Section):
    """When a cluster that does not answer counts as lost."""

    failures: Annotated[StrictInt, Field(ge=1, le=100)] = Field(
        default=3, description="Reads that failed one after the other."
    )
    within: Span = Field(default=timedelta(minutes=2), description="The least time since the first of them.")


class Portal(Section):
    """The portal itself."""

    name: Text = Field(default="Stonesoup", description="Name shown in the header and in the tab's title.")
    url: Url | None = Field(
        default=None, description="Address under which people reach the portal, for links in messages."
    )
    phase: Text | None = Field(default=None, description="Phase of the support agreement, shown as it is written.")
    incident_url: IncidentUrl | None = Field(
        default=None, description="Where incidents are: incident ids (ITN-2026-00031) in notes become links to it."
    )
    recovery_time_objective: Span | None = Field(
        default=timedelta(days=2),
        description="Time within which a lost cluster is to be restored, counted from its loss; null for no clock.",
    )
    drift_tolerance: Span = Field(
        default=timedelta(days=7),
        description="How long an application that is OutOfSync with auto-sync off counts as held on purpose;"
        " after it, it is a warning.",
    )
    lost_after: LostAfter = Field(
        default=LostAfter(), description="When a cluster that does not answer counts as lost."
    )
    retention: Retention = Field(default=timedelta(days=90), description="How long the timeline is kept.")
    shifts: Shifts | None = Field(
        default=None, description="When shifts begin, for the handover; without it, it is of the last 12 hours."
    )


class Environment(Section):
    """One step on a change's way to everybody; their order is the order in which changes reach them."""

    name: Name = Field(description="Unique name.")
    rings: tuple[Annotated[StrictInt, Field(ge=0, le=1000)], ...] = Field(
        default=(), description="Its rings, in the order in which changes reach them."
    )
    aliases: tuple[Text, ...] = Field(default=(), description="Other names that labels of alerts use for it.")


class KubernetesAccess(Connection):
    """How the portal reads a cluster's API: by one of `server`, `kubeconfig` and `in_cluster`."""

    server: Url | None = Field(default=None, description="Address of the API server.")
    token: SecretReference | None = Field(default=None, description="Bearer token of the portal's service account.")
    kubeconfig: SecretReference | None = Field(
        default=None, description="A kubeconfig with the address and the credentials. Its exec plugins are refused."
    )
    context: Text | None = Field(default=None, description="Context of the kubeconfig; without it, its current one.")
    in_cluster: StrictBool = Field(
        default=False,
        description="Use the service account of the pod in which the portal runs, for the cluster it runs on.",
    )
    interval: Interval = Field(default=timedelta(seconds=30), description="Time from one read to the next.")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        ways = [self.server is not None, self.kubeconfig is not None, self.in_cluster]
        if sum(ways) != 1:
            raise ValueError("needs exactly one of 'server', 'kubeconfig' and 'in_cluster: true'")
        if self.context is not None and self.kubeconfig is None:
            raise ValueError("'context' means nothing without 'kubeconfig'")
        if self.server is None and (self.token is not None or self.client_certificate is not None):
            raise ValueError("'token' and 'client_certificate' go with 'server' only")
        return self


class ArgoCDOperator(Section):
    """Where the operator that runs Argo CD is found on a cluster."""

    namespace: Name = Field(description="Namespace of the ArgoCD resource.")
    subscription: Text | None = Field(default=None, description="OLM Subscription of the operator, as namespace/name.")


class Cluster(Section):
    """A cluster."""

    name: Name = Field(description="Unique name, under which the portal shows it.")
    role: Role = Field(description="What it is for.")
    environment: Text = Field(description="Name of its environment.")
    ring: StrictInt | None = Field(default=None, description="Its ring, one of its environment's.")
    host: Text | None = Field(default=None, description="Name of a member's host cluster.")
    aliases: tuple[Text, ...] = Field(
        default=(), description="Other names that alerts and Argo CD use for it: short names, API addresses."
    )
    console: Url | None = Field(default=None, description="Address of its web console, for links.")
    kubernetes: KubernetesAccess | None = Field(
        default=None,
        description="How to read its API. Without it, what Argo CD says of the cluster is all that is known.",
    )
    argocd_operator: ArgoCDOperator | None = Field(
        default=None, description="Where Argo CD's operator is, on a cluster that runs Argo CD."
    )


class ActAs(StrEnum):
    """In whose name actions are sent."""

    ROBOT = "robot"
    PERSON = "person"


class ArgoCD(Connection):
    """An Argo CD instance."""

    name: Name = Field(description="Unique name.")
    url: Url = Field(description="Address of its API server, with the root path if it has one.")
    token: SecretReference | None = Field(default=None, description="API token of the portal's account.")
    control_plane: Text | None = Field(
        default=None, description="Name of the cluster that it runs on (its `in-cluster`)."
    )
    environment: Text | None = Field(default=None, description="Name of its environment.")
    act_as: ActAs = Field(
        default=ActAs.ROBOT, description="In whose name actions are sent; `person` needs single sign-on."
    )
    interval: Interval = Field(
        default=timedelta(seconds=60),
        description="Time from one read of its inventory to the next, and of its applications while nothing follows"
        " its stream.",
    )


class AlertRouting(Section):
    """What the portal cannot learn from a server of alerts itself."""

    watchdog: Matchers | None = Field(
        default=None,
        description="An alert that always fires. When it is missing, no alerts does not mean that all is well.",
    )
    group_by: tuple[Text, ...] = Field(
        default=(), description="Labels to group by where the server cannot tell its groups."
    )


class Alertmanager(Connection, Login, AlertRouting):
    """An Alertmanager, or several that form one HA cluster and hold the same alerts."""

    name: Name = Field(description="Unique name, among Observatorium's tenants too.")
    members: tuple[Url, ...] = Field(min_length=1, description="Address of each member of the HA cluster.")
    environment: Text | None = Field(default=None, description="Environment of alerts whose labels name none.")
    cluster: Text | None = Field(default=None, description="Cluster of alerts whose labels name none.")
    interval: Interval = Field(default=timedelta(seconds=15), description="Time from one read of a member to the next.")


class Prometheus(Connection, Login):
    """A Prometheus or Thanos."""

    name: Name = Field(description="Unique name, among Observatorium's tenants too.")
    url: Url = Field(description="Its address, with the path prefix if it has one.")
    feeds: tuple[Text, ...] = Field(
        default=(),
        description="Names of the Alertmanagers that it sends its alerts to: while it cannot be read, no alerts there"
        " does not mean that all is well.",
    )
    environment: Text | None = Field(default=None, description="Name of its environment.")
    cluster: Text | None = Field(default=None, description="Name of the cluster that it watches.")
    interval: Interval = Field(
        default=timedelta(seconds=60), description="Time from one read of its rules to the next."
    )


class OAuth2(Section):
    """Client credentials, exchanged for short-lived tokens."""

    token_url: Url = Field(description="Address of the token endpoint.")
    client_id: Text = Field(description="The portal's client.")
    client_secret: SecretReference = Field(description="Its secret.")
    audience: Text | None = Field(default=None, description="Audience to ask for.")
    scope: Text | None = Field(default=None, description="Scope to ask for.")
    ca: FilePath | None = Field(default=None, description="File of the authority (PEM), where it is another one here.")


class Observatorium(Connection, AlertRouting):
    """A tenant of an Observatorium: its rules and its alerts."""

    name: Name = Field(description="Unique name, among Alertmanagers and Prometheuses too.")
    url: Url = Field(description="Address of the gateway, without the tenant's path.")
    tenant: Name = Field(description="Name of the tenant.")
    oauth2: OAuth2 | None = Field(default=None, description="How its tokens are fetched.")
    token: SecretReference | None = Field(default=None, description="A fixed bearer token, instead of `oauth2`.")
    alerts: StrictBool = Field(default=True, description="Whether it has alerts to read: an Alertmanager.")
    rules: StrictBool = Field(default=True, description="Whether it has alerting rules to read.")
    environment: Text | None = Field(default=None, description="Environment of alerts whose labels name none.")
    interval: Interval = Field(
        default=timedelta(seconds=15), description="Time from one read of its alerts to the next."
    )
    rules_interval: Interval = Field(
        default=timedelta(seconds=60), description="Time from one read of its rules to the next."
    )

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.oauth2 is not None and self.token is not None:
            raise ValueError("has both 'oauth2' and 'token': only one can be used")
        if not (self.alerts or self.rules):
            raise ValueError("has neither 'alerts' nor 'rules': then nothing of it is read")
        return self


def _matchers(line: str) -> tuple[LabelMatcher, ...]:
    return matchers_read(line)


class Alerts(Section):
    """What the labels of alerts mean."""

    cluster_labels: tuple[Text, ...] = Field(
        default=("source_cluster", "tested_cluster", "dest_server", "cluster"),
        description="Labels that name a cluster (or an alias of one); the first that an alert has decides.",
    )
    environment_labels: tuple[Text, ...] = Field(
        default=("source_environment",),
        description="Labels that name an environment; the first that an alert has decides.",
    )
    slo: Matchers = Field(default=_matchers('slo="true"'), description="Alerts on a service-level objective.")
    control_plane: Matchers = Field(
        default=_matchers('control_plane="true"'), description="Alerts on the control plane."
    )
    owner_labels: tuple[Text, ...] = Field(
        default=("team", "component"),
        description="Labels, or else annotations, that name who owns an alert, where `owners` says nothing.",
    )


class Owner(Section):
    """Who owns the alerts that meet some matchers; the first owner of the list that fits is an alert's."""

    name: Text = Field(description="Unique name of the team.")
    matchers: Matchers = Field(description="The alerts that are theirs.")
    contact: Text | None = Field(default=None, description="How to reach them, shown as it is written.")
    link: Url | None = Field(default=None, description="A page about them.")


class FleetFile(Section):
    """The whole fleet file."""

    portal: Portal = Field(default=Portal(), description="The portal itself.")
    environments: tuple[Environment, ...] = Field(default=(), description="In the order in which changes reach them.")
    clusters: tuple[Cluster, ...] = Field(default=(), description="Every cluster that the portal knows.")
    argocd: tuple[ArgoCD, ...] = Field(default=(), description="Argo CD instances.")
    alertmanagers: tuple[Alertmanager, ...] = Field(default=(), description="Alertmanagers.")
    prometheuses: tuple[Prometheus, ...] = Field(default=(), description="Prometheus servers.")
    observatorium: tuple[Observatorium, ...] = Field(default=(), description="Tenants of Observatorium gateways.")
    alerts: Alerts = Field(default=Alerts(), description="What the labels of alerts mean.")
    owners: tuple[Owner, ...] = Field(default=(), description="Who owns which alerts.")
    sso: Sso | None = Field(default=None, description="Who signs people in.")
    access: tuple[Access, ...] = Field(default=(), description="Which groups may what where; several add up.")
    policies: tuple[Policy, ...] = Field(
        default=(), description="Who may what where, and how carefully; the first that fits applies."
    )
    runbooks: tuple[RunbookSource, ...] = Field(
        default=(), description="Where runbooks are; the first whose `urls` fit has an alert's."
    )
    runbook_values: dict[Text, Text] = Field(
        default={},
        description="Placeholders of runbooks by the label whose value they stand for, like `cluster: source_cluster`."
        " Every label fills the placeholder of its own name without.",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty_sections(cls, data: object) -> object:
        """A section whose items are all commented out is null in YAML: it is as if it were not there."""
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data
