"""What is let go of with time."""

from __future__ import annotations

from apps.accounts.leaving import sessions_prune
from apps.alerts.services import alerts_prune
from apps.gitops.seen import seen_operations_prune
from apps.handover.services import handovers_prune
from apps.notes.pruning import said_prune
from apps.runbooks.coverage_days import coverage_days_prune
from apps.runbooks.fetching import copies_forget
from apps.runbooks.services import runbooks_forget
from apps.sources.fleetfile import fleet_file_in_force
from apps.timeline.services import transitions_prune


def prune_what_is_old() -> None:
    """Deletes transitions and ended episodes past the fleet file's retention, batch by batch; others in their time.

    With an episode go its ticks and its graph. What people said goes once its thing needs nobody any more. What was
    read of runbook sources that left the fleet file goes too.
    """
    fleet = fleet_file_in_force()
    days = fleet.portal.retention.days
    while transitions_prune(days=days):
        pass
    while alerts_prune(days=days):
        pass
    while seen_operations_prune():
        pass
    while sessions_prune():
        pass
    while handovers_prune():
        pass
    while coverage_days_prune():
        pass
    said_prune(days=days)
    runbook_sources = [source.name for source in fleet.runbooks]
    runbooks_forget(sources=runbook_sources)
    copies_forget(names=runbook_sources)
