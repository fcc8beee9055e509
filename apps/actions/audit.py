"""The audit log: each line hashed together with the hash of the line before it, so that a change shows."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.core.clock import database_now
from apps.core.text import clean

from .models import ActionRequest, AuditHead, AuditLine

if TYPE_CHECKING:
    from .case import Who

log = logging.getLogger("portal.audit")

BEGINNING = "0" * 64
HEAD = 1
BATCH = 500
SESSION_LETTERS = 16
PASS = "pass"  # noqa: S105  a guard's word, no password
WITH_GUARDS = frozenset({"requested", "refused", "sending"})
"""The events whose lines say all that the guards said; between them nothing of it changes."""


def audit_note(
    *, event: str, who: str, request: ActionRequest | None = None, words: str = "", what: dict[str, Any] | None = None
) -> AuditLine:
    """Adds a line in the caller's transaction, which from then on holds the head row's lock: call it late, but before
    topics are raised. Once it is committed it goes to standard output as one line of JSON.

    The line says all of `request` at this moment (`what_of`, `guards_of`), and `what` besides: JSON's types, texts up
    to 2000.

    Raises:
        TransactionManagementError: there is no transaction that what is noted would stand or fall with.
        OperationalError, InternalError: the database takes no writes; what was to be noted must not happen.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("a line of the audit log belongs to a transaction")
    head = head_locked()
    line = AuditLine(
        at=database_now(),
        event=clean(event, 40),
        request=request.pk if request else None,
        who=clean(who, 150),
        words=clean(words, 1000),
        what=plain({**(what_of(request) if request else {}), **guards_of(request, event), **(what or {})}),
        previous=head.hash,
    )
    line.hash = hash_of(line)
    line.save(force_insert=True)
    head.hash, head.count = line.hash, head.count + 1
    head.save(update_fields=["hash", "count"])
    transaction.on_commit(lambda: line_tell(line), robust=True)
    return line


def wall_key_note(*, event: str, by: str, what: dict[str, Any], **_: Any) -> None:
    """A key of the Wall was made or revoked (`wall_key_changed`)."""
    audit_note(event=event, who=by, what=what)


def head_locked() -> AuditHead:
    """The head row, which nobody else gets until the transaction ends.

    SQLite knows no lock of a row: there the transaction began IMMEDIATE, so that nobody else writes anything.
    """
    head, _ = AuditHead.objects.select_for_update().get_or_create(pk=HEAD, defaults={"hash": BEGINNING})
    return head


def what_of(request: ActionRequest) -> dict[str, Any]:
    """All that a line says of its request. Of the session only a fingerprint: it cannot be signed in with."""
    return {
        "person": request.username,
        "role": request.role,
        "session": session_fingerprint(request.session),
        "address": request.address,
        "action": request.action,
        "subject": request.subject,
        "application": subject_of(request),
        "project": request.project,
        "environment": request.environment,
        "cluster": request.cluster,
        "parent": str(request.parent_id or ""),
        "options": request.options,
        "reason": request.reason,
        "ticket": request.ticket,
        "state": str(request.state),
        "digest": request.digest,
        "revision_seen": request.revision_seen,
        "revision_sent": request.revision_sent,
        "policy": request.policy,
        "approver": request.approver,
        "answer": request.answer,
        "outcome": request.outcome,
    }


def guards_of(request: ActionRequest | None, event: str) -> dict[str, Any]:
    """What the guards said, whole where it did not pass; of those that passed only the names."""
    if request is None or event not in WITH_GUARDS:
        return {}
    return {
        "guards": [each for each in request.guards if each["answer"] != PASS],
        "passed": [each["guard"] for each in request.guards if each["answer"] == PASS],
    }


def who_told(who: Who) -> dict[str, str]:
    """Who did something with another's request, beside their name."""
    told = {"role": who.role or "", "session": session_fingerprint(who.session), "address": who.address}
    return told | confirmation_told(who)


def confirmation_told(who: Who) -> dict[str, str]:
    """That the identity provider could not be asked about the session; nothing where it was, or where there is none."""
    return {} if who.is_confirmed else {"session_confirmed": "no: the identity provider did not answer"}


def subject_of(request: ActionRequest) -> str:
    """The Application that it is about, named as the timeline names it; "" for none."""
    return f"{request.instance}/{request.namespace}/{request.name}" if request.name else ""


def session_fingerprint(session: str) -> str:
    """Enough to tell one session from another, and no more; "" for none."""
    return hashlib.sha256(session.encode()).hexdigest()[:SESSION_LETTERS] if session else ""


def plain(value: Any) -> Any:
    """As every database gives it back letter for letter: texts cleaned, and what JSON has no exact type for as text."""
    if isinstance(value, dict):
        return {clean(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value if value is None or isinstance(value, (bool, int)) else clean(value)


def line_told(line: AuditLine) -> dict[str, Any]:
    """What a line says, without its place in the chain: `at` in UTC with microseconds, whatever database keeps it."""
    return {
        "at": moment_told(line.at),
        "event": line.event,
        "request": str(line.request or ""),
        "who": line.who,
        "words": line.words,
        "what": line.what,
    }


def moment_told(at: datetime | None) -> str:
    """`2026-11-24T22:41:57.123000+00:00`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else ""


def hash_of(line: AuditLine) -> str:
    """SHA-256, in hexadecimal, over the hash of the line before and the canonical JSON of what the line says."""
    text = json.dumps(line_told(line), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{line.previous}\n{text}".encode()).hexdigest()


def line_as_json(line: AuditLine) -> str:
    """The line with its number and its place in the chain, on one line of ASCII."""
    told = {"log": log.name, "line": line.pk, **line_told(line), "previous": line.previous, "hash": line.hash}
    return json.dumps(told, ensure_ascii=True).replace("\x7f", "\\u007f")


def line_tell(line: AuditLine) -> None:
    """To standard output (settings.LOGGING), whence it is kept elsewhere."""
    log.info("%s", line_as_json(line))


@dataclass(frozen=True)
class Verified:
    """What came of reading the whole log: the `count` of lines that are right, the `head` to keep elsewhere.

    `problem` says in words what is wrong, "" where all is right; `line` is the number of the first bad line, None where
    lines at the end are missing.
    """

    count: int
    head: str
    problem: str = ""
    line: int | None = None

    @property
    def is_good(self) -> bool:
        """Whether nothing was altered, taken away or put elsewhere, as far as can be told."""
        return not self.problem


def audit_verify(*, head: str = "") -> Verified:
    """Reads the chain from its beginning, a batch at a time, up to the first line that is wrong.

    `head` is the hash of a line that was the last one when it was written down elsewhere: whoever can write to the
    database can cut lines off its end and mend the head row, but cannot know of that hash.
    """
    row = AuditHead.objects.filter(pk=HEAD).first()
    count, last, number, seen_at = 0, BEGINNING, None, {BEGINNING: 0}
    for pk, line in lines_in_order():
        problem = fault_of(line, last, number)
        if problem or line is None:
            return Verified(count, last, problem, pk)
        count, last, number = count + 1, line.hash, pk
        if last == head or (row and last == row.hash):
            seen_at[last] = count
    return Verified(count, last, cut_words(row, head, count, seen_at))


def lines_in_order() -> Iterator[tuple[int, AuditLine | None]]:
    """Every line with its number; None for one whose columns hold what cannot be read."""
    lines = AuditLine.objects.order_by("pk")
    batch = list(lines.values_list("pk", flat=True)[:BATCH])
    while batch:
        try:
            read: dict[int, AuditLine | None] = {**AuditLine.objects.in_bulk(batch)}
        except (ValueError, TypeError):  # somebody wrote what is no moment or no UUID into SQLite
            read = {pk: line_if_readable(pk) for pk in batch}
        yield from ((pk, read.get(pk)) for pk in batch)
        batch = list(lines.filter(pk__gt=batch[-1]).values_list("pk", flat=True)[:BATCH])


def line_if_readable(pk: int) -> AuditLine | None:
    """The line, or None where a column of it cannot be read."""
    try:
        return AuditLine.objects.filter(pk=pk).first()
    except (ValueError, TypeError):
        return None


def fault_of(line: AuditLine | None, last: str, number: int | None) -> str:
    """What is wrong with a line that stands after the line `number` with the hash `last`; "" for nothing."""
    if line is None or line.hash != hash_of(line):
        return "it was altered: its hash does not fit what it says"
    if line.previous == last:
        return ""
    before = f"line {number}" if number else "the beginning"
    where = AuditLine.objects.filter(hash=line.previous).values_list("pk", flat=True).first()
    if where is not None:
        return f"it was moved: it belongs after line {where}, and stands after {before}"
    return f"at least one line between {before} and it is missing, or {before} was rewritten"


def cut_words(row: AuditHead | None, head: str, count: int, seen_at: dict[str, int]) -> str:
    """What the head row and the hash kept elsewhere say against a chain that is right in itself; "" for nothing."""
    if head and head not in seen_at:
        return (
            "the hash that was kept elsewhere is not in the log: lines at its end were cut off, or all were rewritten"
        )
    if row is None:
        return "the head row is missing" if count else ""
    if row.hash not in seen_at:
        return f"lines at its end are missing: the head row knows {row.count} lines, {count} are there"
    if seen_at[row.hash] != row.count:
        return f"the head row was altered: it counts {row.count} lines up to the one that is number {seen_at[row.hash]}"
    return ""
