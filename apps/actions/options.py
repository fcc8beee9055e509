"""How an Application is to be synced, as the person chose it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from apps.core.structs import converted
from apps.core.text import counted


class Resource(Struct, frozen=True, order=True):
    """One resource of an Application, as Argo CD names it in a sync."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}"


class Options(Struct, frozen=True, omit_defaults=True):
    """Options of a resync or dry run. Without `resources` the whole Application is meant."""

    prune: bool = False
    force: bool = False
    replace: bool = False
    apply_out_of_sync_only: bool = False
    resources: tuple[Resource, ...] = ()

    @property
    def words(self) -> list[str]:
        """Those that are on, in words."""
        chosen = [
            ("prune", self.prune),
            ("force", self.force),
            ("replace", self.replace),
            ("only what is out of sync", self.apply_out_of_sync_only),
        ]
        count = len(self.resources)
        some = [counted(count, "resource")] if count else []
        return [*(word for word, is_on in chosen if is_on), *some]

    def as_builtins(self) -> dict[str, Any]:
        """For a request's row."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def options_of(plain: dict[str, Any]) -> Options:
    """The options of a request's row."""
    return converted(plain, Options)
