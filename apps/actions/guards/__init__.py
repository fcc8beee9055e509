"""All guards, in the order in which a person reads them: may I, may it be now, what does it do, what is known."""

from __future__ import annotations

from apps.actions.case import Guard

from .active_request import ActiveRequestGuard
from .argocd_right import ArgoCDRightGuard
from .blast_radius import BlastRadiusGuard
from .changed import ChangedGuard
from .cool_down import CoolDownGuard
from .deleting import DeletingGuard
from .dry_run import DryRunGuard
from .freeze import FreezeGuard
from .not_checked import NotCheckedGuard
from .operation_running import OperationRunningGuard
from .order import OrderGuard
from .prune import PruneGuard
from .replace_force import ReplaceForceGuard
from .role import RoleGuard
from .self_heal import SelfHealGuard
from .sync_window import SyncWindowGuard
from .unreachable_cluster import UnreachableClusterGuard

GUARDS: tuple[Guard, ...] = (
    RoleGuard(),
    ArgoCDRightGuard(),
    FreezeGuard(),
    SyncWindowGuard(),
    OperationRunningGuard(),
    ActiveRequestGuard(),
    DeletingGuard(),
    SelfHealGuard(),
    UnreachableClusterGuard(),
    PruneGuard(),
    ReplaceForceGuard(),
    DryRunGuard(),
    OrderGuard(),
    BlastRadiusGuard(),
    CoolDownGuard(),
    ChangedGuard(),
    NotCheckedGuard(),
)
