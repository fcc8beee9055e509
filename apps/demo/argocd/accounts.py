"""The accounts of a simulated Argo CD, and its refusals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.demo.agenda import moment
from apps.demo.http import Reply

GRPC_STATUS = {2: 500, 3: 400, 5: 404, 7: 403, 8: 429, 9: 400, 14: 503, 16: 401}
RESOURCES = [
    "clusters",
    "projects",
    "applications",
    "applicationsets",
    "repositories",
    "write-repositories",
    "certificates",
    "accounts",
    "gpgkeys",
    "logs",
    "exec",
    "extensions",
]
ACTIONS = [
    "get",
    "create",
    "update",
    "delete",
    "sync",
    "rollback",
    "override",
    "action",
    "invoke",
]


@dataclass(frozen=True)
class Account:
    """Whose token it is, and what it may: look, sync in some projects, everything."""

    name: str
    may_look: bool = False
    sync_projects: frozenset[str] = frozenset()
    may_all: bool = False

    def may(self, action: str, project: str) -> bool:
        """Whether RBAC allows an action on the Applications of a project."""
        if self.may_all or (action == "get" and self.may_look):
            return True
        return action == "sync" and project in self.sync_projects


NOBODY = Account("nothing")
ACCOUNTS = (
    Account("portal", may_look=True, sync_projects=frozenset({"default", "windowed"})),
    Account("viewonly", may_look=True),
    NOBODY,
    Account("admin", may_look=True, may_all=True),
    Account("remy@example.com", may_look=True, sync_projects=frozenset({"default", "windowed"})),
    Account("vera@example.com", may_look=True),
)
"""The last two are people whose ID tokens it takes, named by their e-mail as a real one names them."""


def refusal(code: int, message: str) -> Reply:
    """An error as grpc-gateway writes it."""
    return Reply.json({"error": message, "code": code, "message": message}, GRPC_STATUS[code])


def not_found(name: str) -> Reply:
    """No such Application, for one who named a project that they may look at."""
    return refusal(5, f'applications.argoproj.io "{name}" not found')


def denied() -> Reply:
    """Missing or forbidden: Argo CD does not tell which."""
    return refusal(7, "permission denied")


def denied_action(account: Account, action: str, project: str, name: str, since: datetime) -> Reply:
    """A right that an account lacks on an Application that it can see."""
    told = f"sub: {account.name}, iat: {moment(since)}"
    return refusal(7, f"permission denied: applications, {action}, {project}/{name}, {told}")
