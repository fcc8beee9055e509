"""Who gets what answer where: every route, for everybody who can come. `make access` writes it to docs/access.md.

tests/stonesoup_portal/test_access.py goes to each cell, and fails where a route has no row.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

APP = "production/argocd/build-service-stone-prd-m01"
ASKED = f"/actions/new/?action=sync&app={APP.replace('/', '%2F')}"
TICKS = "/runbooks/-/tick/171717/sop/api/errors.md"
BACKCHANNEL, SESSIONS = "/accounts/backchannel-logout/", "/accounts/sessions/"
PROVIDER_AWAY = "with a provider that is away"
QUIET = "/actions/silence/?alertmanager=appsre&label=source_cluster&operator=%3D&value=stone-prd-m01"
IN_PRODUCTION = "/actions/bulk/?environment=production&set=build-service"


class Seat(StrEnum):
    """Who comes. The application, the freeze and the requests of the table are in production."""

    ANONYMOUS = "nobody"
    WALL = "screen with a key of the Wall"
    NO_GROUP = "without a role"
    VIEWER = "viewer"
    RESPONDER = "responder for production"
    ELSEWHERE = "responder for staging"
    APPROVER = "approver"
    ADMIN = "admin"


class Said(StrEnum):
    """The answer."""

    PAGE = "yes"
    SIGN_IN = "signs in"
    NO_ACCESS = "no access"
    NOT_THERE = "not there"
    MAY_NOT = "may not"
    WHY_NOT = "says why not"
    DONE = "done"
    HOME = "goes home"
    STOPPED = "stopped"
    FAILED = "failed"


MEANINGS = {
    Said.PAGE: "200 or 204: what was asked for",
    Said.SIGN_IN: "302 to the sign-in, with the way back; a stream: 401",
    Said.NO_ACCESS: "403: a page that shows nothing of the fleet",
    Said.NOT_THERE: "404",
    Said.MAY_NOT: "403: the page that says which role or scope may",
    Said.WHY_NOT: "409, or 200 with the form again: nothing is done, and the page says why",
    Said.DONE: "302 or 303: done, and led on; 201: made, and shown",
    Said.HOME: "302 to where they came from: they are signed in",
    Said.STOPPED: "403 for everybody",
    Said.FAILED: "400 or 503: a page that says why and leads to another try, or the answer that a standard wants",
}

PAGE, SIGN_IN, NO_ACCESS, NOT_THERE = Said.PAGE, Said.SIGN_IN, Said.NO_ACCESS, Said.NOT_THERE
MAY_NOT, WHY_NOT, DONE, HOME, FAILED = Said.MAY_NOT, Said.WHY_NOT, Said.DONE, Said.HOME, Said.FAILED
OUT = (SIGN_IN, SIGN_IN, NO_ACCESS)

ALL = (PAGE,) * 8
SEEN = (*OUT, PAGE, PAGE, PAGE, PAGE, PAGE)
ON_WALL = (SIGN_IN, PAGE, NO_ACCESS, PAGE, PAGE, PAGE, PAGE, PAGE)
ABSENT = (*OUT, NOT_THERE, NOT_THERE, NOT_THERE, NOT_THERE, NOT_THERE)


@dataclass(frozen=True)
class Row:
    """One thing that can be asked of a route; `form` names what is sent (the test knows how), "" for a GET."""

    route: str
    path: str
    answers: tuple[Said, ...]
    form: str = ""
    words: str = ""

    @property
    def method(self) -> str:
        """GET, or POST where something is sent."""
        return "POST" if self.form else "GET"


ROWS = (
    Row("healthz", "/healthz", ALL),
    Row("readyz", "/readyz", ALL),
    Row("metrics", "/metrics", ALL, words="from loopback, or with the token"),
    Row("metrics", "/metrics", (Said.STOPPED,) * 8, words="from elsewhere, without the token"),
    Row("csp-report", "/csp-report/", ALL, "report"),
    Row("stream", "/stream?topics=apps", ON_WALL),
    Row("accounts:sign-in", "/accounts/sign-in/", (PAGE, PAGE, HOME, HOME, HOME, HOME, HOME, HOME)),
    Row("accounts:sign-in", "/accounts/sign-in/", (FAILED, FAILED, *(HOME,) * 6), words=PROVIDER_AWAY),
    Row("accounts:callback", "/accounts/callback/", (NOT_THERE,) * 8, words="without a provider"),
    Row("accounts:callback", "/accounts/callback/?code=x&state=y", (FAILED,) * 8, words=PROVIDER_AWAY),
    Row("accounts:backchannel-logout", BACKCHANNEL, (NOT_THERE,) * 8, "logout-token", "without a provider"),
    Row("accounts:backchannel-logout", BACKCHANNEL, (FAILED,) * 8, "logout-token", PROVIDER_AWAY),
    Row("accounts:break-glass", "/accounts/break-glass/", (NOT_THERE,) * 8, words="while there is no such account"),
    Row("accounts:break-glass", "/accounts/break-glass/", (NOT_THERE,) * 8, "password", "while there is none"),
    Row("accounts:signed-out", "/accounts/signed-out/", ALL),
    Row("accounts:sessions", SESSIONS, SEEN, words="their own; an admin: all"),
    Row(
        "accounts:sessions", SESSIONS, (*OUT, NOT_THERE, NOT_THERE, NOT_THERE, NOT_THERE, DONE), "end-session",
        "ends somebody else's",
    ),
    Row("accounts:sessions", SESSIONS, ABSENT, "end-session-absent", "ends one not there"),
    Row(
        "accounts:wall-keys", "/accounts/wall-keys/", (*OUT, NOT_THERE, NOT_THERE, NOT_THERE, NOT_THERE, DONE),
        "wall-key", "makes one",
    ),
    Row("accounts:wall-keys", "/accounts/wall-keys/", ABSENT, "revoke-absent", "revokes one not there"),
    Row("accounts:wall", "/accounts/wall/", ALL, words="asks for a key"),
    Row("accounts:wall", "/accounts/wall/", (FAILED,) * 8, "wrong-key", "a key that opens nothing"),
    Row("accounts:sign-out", "/accounts/sign-out/", (DONE,) * 8, "sign-out"),
    Row("dashboard:now", "/", SEEN),
    Row("dashboard:timeline", "/timeline/", SEEN),
    Row("dashboard:search", "/search/?q=stone", SEEN),
    Row("dashboard:search-box", "/search/box/?q=stone", SEEN),
    Row("dashboard:wall", "/wall/", ON_WALL),
    Row("dashboard:cluster-list", "/clusters/", SEEN),
    Row("dashboard:cluster-show", "/clusters/stone-prd-m01/", SEEN),
    Row("dashboard:cluster-show", "/clusters/no-such/", ABSENT, words="not there"),
    Row("dashboard:application-show", f"/apps/{APP}/", SEEN),
    Row("dashboard:application-show", "/apps/production/argocd/no-such/", ABSENT, words="not there"),
    Row("gitops:application-list", "/apps/", SEEN),
    Row("gitops:application-list", "/apps/?format=csv", SEEN, words="as a file"),
    Row("gitops:application-matrix", "/apps/matrix/", SEEN),
    Row("alerts:alert-list", "/alerts/", SEEN),
    Row("dashboard:alert-show", "/alerts/appsre/00000000000000aa/", SEEN),
    Row("dashboard:alert-show", "/alerts/appsre/0000000000000bad/", ABSENT, words="not there"),
    Row("runbooks:runbook-list", "/runbooks/", SEEN),
    Row("runbooks:runbook-list", "/runbooks/?format=csv", SEEN, words="as a file"),
    Row("runbooks:runbook-show", "/runbooks/sop/api/errors.md/", SEEN),
    Row("runbooks:runbook-show", "/runbooks/sop/no-such.md/", ABSENT, words="not there"),
    Row("runbooks:file-show", "/runbooks/-/file/sop/api/errors.png", SEEN, words="an image in one"),
    Row("runbooks:file-show", "/runbooks/-/file/sop/no-such.png", ABSENT, words="not there"),
    Row("runbooks:tick-set", TICKS, (*OUT, MAY_NOT, DONE, MAY_NOT, DONE, DONE), "tick", "ticks a step off"),
    Row("runbooks:tick-set", TICKS, (*OUT, MAY_NOT, WHY_NOT, MAY_NOT, WHY_NOT, WHY_NOT), "tick-absent", "not there"),
    Row("runbooks:coverage-show", "/runbooks/coverage/", SEEN),
    Row("runbooks:coverage-show", "/runbooks/coverage/?format=csv", SEEN, words="as a file"),
    Row("sources:source-list", "/sources/", SEEN),
    Row("sources:source-show", "/sources/argocd/production/", SEEN),
    Row("sources:source-show", "/sources/argocd/no-such/", ABSENT, words="not there"),
    Row("actions:request-list", "/actions/", SEEN),
    Row("actions:audit", "/actions/audit/", SEEN),
    Row("actions:policy-list", "/actions/policies/", SEEN),
    Row("actions:request-new", ASKED, (*OUT, MAY_NOT, PAGE, MAY_NOT, PAGE, PAGE), words="what speaks against a resync"),
    Row("actions:request-new", "/actions/new/", (*OUT, MAY_NOT, DONE, MAY_NOT, DONE, DONE), "resync", "a resync"),
    Row("actions:request-new", "/actions/new/", (*OUT, *(WHY_NOT,) * 5), "resync-absent", "of what is not there"),
    Row("actions:bulk-new", IN_PRODUCTION, (*OUT, MAY_NOT, PAGE, PAGE, PAGE, PAGE), words="what speaks against a bulk"),
    Row("actions:bulk-new", IN_PRODUCTION, (*OUT, MAY_NOT, DONE, WHY_NOT, DONE, DONE), "bulk", "a bulk"),
    Row("silences:silence-list", "/silences/", SEEN),
    Row("actions:silence-new", QUIET, (*OUT, MAY_NOT, PAGE, MAY_NOT, PAGE, PAGE), words="what a silence hides"),
    Row("actions:silence-new", QUIET, (*OUT, MAY_NOT, DONE, MAY_NOT, DONE, DONE), "silence", "a silence"),
    Row("actions:silence-new", "/actions/silence/", (*OUT, *(WHY_NOT,) * 5), "silence-absent", "of what is not there"),
    Row("actions:freeze-list", "/actions/freezes/", SEEN),
    Row("actions:freeze-list", "/actions/freezes/", (*OUT, WHY_NOT, DONE, WHY_NOT, DONE, DONE), "freeze", "begins one"),
    Row(
        "actions:freeze-list", "/actions/freezes/", (*OUT, WHY_NOT, WHY_NOT, WHY_NOT, DONE, DONE), "unfreeze",
        "ends somebody else's",
    ),
    Row("actions:freeze-list", "/actions/freezes/", (*OUT, *(WHY_NOT,) * 5), "unfreeze-absent", "one not there"),
    Row("handover:handover-new", "/handover/", SEEN),
    Row("handover:handover-new", "/handover/", (*OUT, WHY_NOT, DONE, DONE, DONE, DONE), "handover", "saves one"),
    Row("handover:handover-list", "/handover/past/", SEEN),
    Row("handover:handover-show", "/handover/{note}/", SEEN),
    Row("handover:handover-show", "/handover/{absent}/", ABSENT, words="not there"),
    Row("handover:handover-edit", "/handover/{note}/edit/", SEEN),
    Row("handover:handover-edit", "/handover/{absent}/edit/", ABSENT, words="not there"),
    Row(
        "handover:handover-edit", "/handover/{note}/edit/", (*OUT, WHY_NOT, DONE, DONE, DONE, DONE), "handover",
        "changes somebody else's",
    ),
    Row("handover:handover-edit", "/handover/{absent}/edit/", ABSENT, "handover", "not there"),
    Row("handover:handover-markdown", "/handover/{note}/markdown/", SEEN, words="as a file"),
    Row("handover:handover-markdown", "/handover/{absent}/markdown/", ABSENT, words="not there"),
    Row("notes:note-new", "/notes/", (*OUT, WHY_NOT, DONE, WHY_NOT, DONE, DONE), "note", "writes a note"),
    Row("notes:note-new", "/notes/", (*OUT, WHY_NOT, DONE, WHY_NOT, DONE, DONE), "acknowledge", "acknowledges"),
    Row("notes:note-new", "/notes/", (*OUT, *(WHY_NOT,) * 5), "take-back", "takes somebody else's note back"),
    Row("notes:note-new", "/notes/", (*OUT, *(WHY_NOT,) * 5), "note-absent", "on what is not there"),
    Row("notes:note-show", "/notes/{note}/", SEEN),
    Row("notes:note-show", "/notes/{absent}/", ABSENT, words="not there"),
    Row("actions:request-show", "/actions/{waiting}/", SEEN),
    Row("actions:request-show", "/actions/{absent}/", ABSENT, words="not there"),
    Row(
        "actions:request-answer", "/actions/{waiting}/answer/", (*OUT, WHY_NOT, WHY_NOT, WHY_NOT, DONE, DONE),
        "approve", "approves what somebody else asked for",
    ),
    Row(
        "actions:request-answer", "/actions/{waiting}/answer/", (*OUT, WHY_NOT, WHY_NOT, WHY_NOT, DONE, DONE),
        "withdraw", "takes back what somebody else asked for",
    ),
    Row("actions:request-answer", "/actions/{absent}/answer/", ABSENT, "approve", "not there"),
)  # fmt: skip

HEAD = """# Who gets what answer where

Written by `make access` from the table that a test goes through, cell by cell: a route without a row fails it.
A method that a route has no line for is answered 405. The same answer comes to who may not see a thing and to
who asks for one that is not there.

"""


def table() -> str:
    """The page, as Markdown."""
    seats = " | ".join(Seat)
    lines = [f"| route | what | {seats} |", "|---" * (len(Seat) + 2) + "|"]
    for _, rows in groupby(ROWS, key=lambda row: row.route):
        for row in rows:
            what = f"{row.method}{f': {row.words}' if row.words else ''}"
            shown = row.path.partition("?")[0]
            lines.append(f"| `{shown}` | {what} | {' | '.join(row.answers)} |")
    words = "\n".join(f"- **{said}**: {meaning}" for said, meaning in MEANINGS.items())
    return HEAD + words + "\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
