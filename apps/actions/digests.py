"""What a person saw, as one short text that travels with what they send (decision 16).

One short hash for each part, so that what changed meanwhile can be named. An empty part is empty; `resourceVersion`
is no part, since every reconcile changes it. The revision's part is the first source's; with several sources those of
all stand behind it where Argo CD itself told them, and are compared where both sides have them.
"""

from __future__ import annotations

import base64
import hashlib

import msgspec

from apps.gitops.merging import key_of
from apps.gitops.models import Application
from apps.gitops.models import ApplicationDetail as DetailRow
from apps.integrations.argocd import ApplicationDetail

from .known import Known, known_live, known_of_row
from .options import Options

UID, SOURCE, DESTINATION, REVISION, OPERATION, PRUNE = (
    "the Application itself (deleted, and made anew)",
    "source",
    "destination",
    "revision",
    "operation",
    "what prune would delete",
)
PARTS = (UID, SOURCE, DESTINATION, REVISION, OPERATION, PRUNE)
BYTES_OF_A_PART = 6
NOT_KNOWN = "not known"
AND_ALL = "~"

Identity = tuple[str, str, str]


def digest_of_row(application: Application, options: Options, detail_row: DetailRow | None = None) -> str:
    """The digest of what the row, and its details where they are given, say. At most 64 characters."""
    identity = (application.instance, *application.key)
    return digest_of(known_of_row(application, detail_row), options, identity)


def digest_of_detail(told: ApplicationDetail, options: Options, instance: str) -> str:
    """The digest of what Argo CD answered; it differs in no part from the row's where both say the same."""
    return digest_of(known_live(told), options, (instance, *key_of(told.application)))


def digest_of(known: Known, options: Options, identity: Identity) -> str:
    """The digest of what is known of the Application (instance, namespace, name)."""
    doomed = known.doomed(options)
    parts = (
        [known.uid] if known.uid else [],
        known.source,
        known.destination,
        [known.revision],
        [known.began_at.isoformat()] if known.began_at else [],
        [NOT_KNOWN] if doomed is None else doomed,
    )
    hashes = {name: _hash(identity, msgspec.to_builtins(part)) for name, part in zip(PARTS, parts, strict=True)}
    if known.revisions:
        hashes[REVISION] += AND_ALL + _hash(identity, msgspec.to_builtins(known.revisions))
    return ".".join(hashes.values())


def parts_changed(shown: str, now: str) -> list[str]:
    """The parts in which two digests differ, in words; an unknown `uid` differs from none.

    All of them where one of the two is no digest.
    """
    before, after = shown.split("."), now.split(".")
    if not len(before) == len(after) == len(PARTS):
        return list(PARTS)
    pairs = zip(PARTS, before, after, strict=True)
    return [part for part, old, new in pairs if _differs(part, old, new)]


def _differs(part: str, old: str, new: str) -> bool:
    if part == UID and "" in (old, new):
        return False
    if part == REVISION and not (AND_ALL in old and AND_ALL in new):
        return old.partition(AND_ALL)[0] != new.partition(AND_ALL)[0]
    return old != new


def _hash(identity: Identity, part: object) -> str:
    if not part:
        return ""
    told = msgspec.json.encode([identity, part])
    return base64.urlsafe_b64encode(hashlib.blake2b(told, digest_size=BYTES_OF_A_PART).digest()).decode()
