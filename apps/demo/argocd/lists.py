"""Big lists as bytes that are kept until something changes: one fragment for each Application, joined on demand."""

from __future__ import annotations

import gzip

import msgspec

from apps.demo.argocd.fields import listed_document
from apps.demo.http import Reply
from apps.demo.world.applications import ArgoInstance

KEPT_SELECTIONS = 4


class NarrowList:
    """The list of an instance with one selection of fields."""

    def __init__(self, instance: ArgoInstance, fields: tuple[str, ...]) -> None:
        self._instance = instance
        self._fields = fields
        self._fragments: dict[str, bytes] = {}
        self._reply: Reply | None = None
        instance.on_change.append(self.forget)

    def forget(self, name: str) -> None:
        """One Application has changed."""
        self._fragments.pop(name, None)
        self._reply = None

    def close(self) -> None:
        """Hear of no more changes."""
        self._instance.on_change.remove(self.forget)

    def reply(self) -> Reply:
        """The whole answer, plain and compressed."""
        if self._reply is None:
            applications = self._instance.applications
            for name in applications.keys() - self._fragments.keys():
                self._fragments[name] = msgspec.json.encode(listed_document(applications[name], self._fields))
            body = framed([self._fragments[name] for name in sorted(applications)], self._instance.resource_version)
            self._reply = Reply(200, body, packed=gzip.compress(body, compresslevel=1))
        return self._reply


class Lists:
    """The narrow lists of an instance that are asked for, the last few selections of fields kept."""

    def __init__(self, instance: ArgoInstance) -> None:
        self._instance = instance
        self._kept: dict[tuple[str, ...], NarrowList] = {}

    def reply(self, fields: tuple[str, ...]) -> Reply:
        """The list with these fields."""
        if fields not in self._kept:
            if len(self._kept) >= KEPT_SELECTIONS:
                self._kept.pop(next(iter(self._kept))).close()
            self._kept[fields] = NarrowList(self._instance, fields)
        return self._kept[fields].reply()


def framed(items: list[bytes], resource_version: int) -> bytes:
    """A list's JSON around its items' JSON; an empty list is null."""
    metadata = b'{"metadata":{"resourceVersion":"%d"},"items":' % resource_version
    return metadata + (b"[" + b",".join(items) + b"]" if items else b"null") + b"}"
