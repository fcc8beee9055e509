"""The cluster that an Application is deployed to."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.evidence import cluster_page
from apps.actions.surroundings import failed_connection_of
from apps.core.ages import age_words


class UnreachableClusterGuard(Guard):
    """Speaks where the cluster is lost or cannot be reached, by us or by Argo CD: a sync would hang or fail."""

    name = "unreachable-cluster"
    title = "Destination cluster"
    default = Answer.CONFIRM

    def look(self, case: Case) -> Finding:
        """Our own doubt first, then Argo CD's connection to it."""
        row = case.application
        doubt, link = case.overlay.doubtful_clusters.get(row.cluster, ""), cluster_page(row.cluster)
        if doubt:
            return self.speaks(case, f"{doubt}: a sync is likely to fail or to hang", link)
        failed = failed_connection_of(case)
        if failed:
            since = f" for {age_words(failed.status_since, case.now)}" if failed.status_since else ""
            told = f": {failed.message}" if failed.message else ""
            return self.speaks(case, f"Argo CD cannot reach {failed.name or failed.server}{since}{told}", link)
        return self.passes(f"nothing is known against {row.cluster or row.destination or 'its cluster'}")
