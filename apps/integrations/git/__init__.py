"""Reading Git repositories by the program git: from its object store, so that nothing of them is ever checked out."""

from apps.integrations.git.remote import GitRemote
from apps.integrations.git.repository import Change, Entry, EntryKind, GitCopy, tip_of

__all__ = ["Change", "Entry", "EntryKind", "GitCopy", "GitRemote", "tip_of"]
