"""The fleet file that tells a portal how to reach the simulated fleet, and the files of its secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from apps.demo.catalogue import TENANT
from apps.demo.world.clusters import Cluster
from apps.demo.world.world import World

Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""libyaml's where PyYAML was built with it: a large fleet's file is written in a tenth of the time."""
INTERVALS = {"argocd": "30s", "alertmanagers": "10s", "prometheuses": "30s"}
MANY_CLUSTERS = 20
CLIENT_ID = "portal"
HEADING = "# Written by demo_fleet each time it starts; the servers named here are simulated.\n"


def secret_write(folder: Path, name: str, value: str) -> str:
    """Write a secret into a file that only its owner reads; returns how the fleet file refers to it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value + "\n")
    path.chmod(0o600)
    return f"file:{path}"


def fleet_file_write(
    path: Path,
    world: World,
    urls: Mapping[str, str],
    secrets: Mapping[str, str],
    others: Mapping[str, Any],
) -> None:
    """Write the fleet file as a whole; `urls` are by server, `secrets` references by server.

    `others` are its sections about runbooks, and about those who sign in where a provider runs.
    """
    interval = "30s" if len(world.clusters) > MANY_CLUSTERS else "15s"
    document = {
        "portal": {"name": "Stonesoup", "phase": "service-preview-1", "recovery_time_objective": "2d"},
        "environments": [
            {"name": "staging", "rings": [1], "aliases": ["staging-cluster"]},
            {"name": "production", "rings": [2, 3, 4], "aliases": ["production-cluster"]},
        ],
        "clusters": [_cluster(each, urls, secrets, interval) for each in world.clusters.values()],
        "argocd": [_argocd(name, world, urls, secrets) for name in world.argocds],
        "alertmanagers": [_alertmanager(urls)],
        "prometheuses": [_prometheus(urls)],
        "observatorium": [_observatorium(urls, secrets)],
        "alerts": {
            "cluster_labels": ["source_cluster", "tested_cluster", "dest_server"],
            "environment_labels": ["source_environment"],
            "slo": 'slo="true"',
            "control_plane": 'control_plane="true"',
            "owner_labels": ["team", "component"],
        },
        **others,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(HEADING + yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True))
    unfinished.replace(path)


def _cluster(cluster: Cluster, urls: Mapping[str, str], secrets: Mapping[str, str], interval: str) -> dict[str, Any]:
    source = f"kubernetes/{cluster.name}"
    found: dict[str, Any] = {
        "name": cluster.name,
        "role": cluster.role,
        "environment": cluster.environment,
        "ring": cluster.ring,
        "aliases": [cluster.server],
        "console": cluster.console,
        "kubernetes": {
            "server": urls[source],
            "token": secrets[source],
            "interval": interval,
        },
    }
    if cluster.host:
        found["host"] = cluster.host
    if cluster.role == "control-plane":
        operator = {"namespace": "argocd", "subscription": "openshift-operators/openshift-gitops-operator"}
        found["argocd_operator"] = operator
    return found


def _argocd(name: str, world: World, urls: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": name,
        "url": urls[f"argocd/{name}"],
        "token": secrets[f"argocd/{name}"],
        "control_plane": world.argocds[name].control_plane.name,
        "environment": name,
        "interval": INTERVALS["argocd"],
        "act_as": "robot",
    }


def _alertmanager(urls: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": "appsre",
        "watchdog": 'alertname="Watchdog"',
        "group_by": ["alertname", "source_cluster"],
        "members": [urls["alertmanager/appsre/0"], urls["alertmanager/appsre/1"]],
        "interval": INTERVALS["alertmanagers"],
    }


def _prometheus(urls: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": "appsre",
        "url": urls["prometheus/appsre"],
        "feeds": ["appsre"],
        "interval": INTERVALS["prometheuses"],
    }


def _observatorium(urls: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": "rhobs",
        "url": urls["observatorium/rhobs"],
        "tenant": TENANT,
        "group_by": ["alertname", "source_cluster"],
        "interval": INTERVALS["alertmanagers"],
        "rules_interval": INTERVALS["prometheuses"],
        "oauth2": {
            "token_url": f"{urls['oauth2/rhobs']}/realms/rhobs/protocol/openid-connect/token",
            "client_id": CLIENT_ID,
            "client_secret": secrets["oauth2/rhobs"],
            "audience": "observatorium",
        },
    }
