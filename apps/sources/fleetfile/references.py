"""What one part of a fleet file says about another: names that must be unique, and names that must be there.

Works on plain data before it is known to be right, so that these mistakes are told together with all others: what has
the wrong type is passed over here, since the models name it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from apps.sources.fleetfile.yaml_text import Path

Mistake = tuple[Path, str]
Items = list[tuple[Path, Mapping[str, object]]]


@dataclass(frozen=True)
class _Named:
    """The names of a kind of thing that the file has, by which others refer to it."""

    noun: str
    names: set[str] = field(default_factory=set)

    def mistakes_of(self, path: Path, item: Mapping[str, object], key: str) -> Iterator[Mistake]:
        """One mistake for each name under `key` (one text or a list of them) that is not there."""
        value = item.get(key)
        for index, name in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(name, str) and name not in self.names:
                place = (*path, key, index) if isinstance(value, list) else (*path, key)
                yield place, f"there is no {self.noun} {name[:100]!r}{did_you_mean(name, self.names)}"


def reference_mistakes(data: object) -> Iterator[Mistake]:
    """Every mistake of a fleet file's data that lies in how its parts refer to each other."""
    root = data if isinstance(data, Mapping) else {}
    environments = _Named("environment", _names(_items(root, "environments")))
    clusters = _Named("cluster", _names(_items(root, "clusters")))
    yield from _twice_named(root)
    yield from _aliases_taken(_items(root, "clusters"), "cluster")
    yield from _aliases_taken(_items(root, "environments"), "environment")
    for path, item in _everything(root):
        for key, named in (("environment", environments), ("control_plane", clusters), ("cluster", clusters)):
            yield from named.mistakes_of(path, item, key)
    yield from _wrong_hosts(_items(root, "clusters"))
    yield from _wrong_rings(root)
    yield from _wrong_feeds(root)
    yield from _wrong_matches(root, environments)
    yield from _wrong_access(root, environments, clusters)
    yield from _persons_unknown(root)
    yield from _shared_shapes(_items(root, "runbooks"))
    yield from _shared_placeholders(root)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ " (did you mean 'token'?)" for a word near a known one, else nothing."""
    near = difflib.get_close_matches(word[:100], list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _items(root: Mapping[str, object], section: str) -> Items:
    value = root.get(section)
    entries = value if isinstance(value, list) else []
    return [((section, index), entry) for index, entry in enumerate(entries) if isinstance(entry, Mapping)]


def _everything(root: Mapping[str, object]) -> Items:
    sections = ("clusters", "argocd", "alertmanagers", "prometheuses", "observatorium")
    return [item for section in sections for item in _items(root, section)]


def _names(items: Items) -> set[str]:
    return {name for _, item in items if isinstance(name := item.get("name"), str)}


def _texts(item: Mapping[str, object], key: str) -> list[tuple[int, str]]:
    value = item.get(key)
    return (
        [(index, text) for index, text in enumerate(value) if isinstance(text, str)] if isinstance(value, list) else []
    )


def _twice_named(root: Mapping[str, object]) -> Iterator[Mistake]:
    """Names that two things of a kind share; an Observatorium tenant is read as Alertmanager and as Prometheus."""
    for section in ("environments", "clusters", "argocd", "owners", "policies", "runbooks"):
        yield from _shared_names(_items(root, section))
    for section in ("alertmanagers", "prometheuses"):
        yield from _shared_names(_items(root, section) + _items(root, "observatorium"))


def _shared_names(items: Items) -> Iterator[Mistake]:
    seen: dict[str, Path] = {}
    for path, item in items:
        name = item.get("name")
        if isinstance(name, str) and seen.setdefault(name, path) != path:
            yield (*path, "name"), f"{name[:100]!r} is the name of {path_text(seen[name])} already: give it another"


def _aliases_taken(items: Items, noun: str) -> Iterator[Mistake]:
    """Aliases that are the name or an alias of another one: a label could mean either."""
    taken = {name: path for path, item in items if isinstance(name := item.get("name"), str)}
    for path, item in items:
        for index, alias in _texts(item, "aliases"):
            if taken.setdefault(alias, path) != path:
                yield (
                    (*path, "aliases", index),
                    f"{alias[:100]!r} is a name of another {noun} already: {path_text(taken[alias])}",
                )


def _wrong_hosts(clusters: Items) -> Iterator[Mistake]:
    roles = {item["name"]: item.get("role") for _, item in clusters if isinstance(item.get("name"), str)}
    hosts = _Named("cluster", {str(name) for name in roles})
    for path, item in clusters:
        host = item.get("host")
        if host is not None and item.get("role") in {"host", "control-plane"}:
            yield (*path, "host"), "only a member has a host: leave it out, or set 'role: member'"
        elif isinstance(host, str) and host in roles and roles[host] != "host":
            yield (*path, "host"), f"the cluster {host!r} is not a host: its role is {roles[host]!r}"
        yield from hosts.mistakes_of(path, item, "host")


def _wrong_rings(root: Mapping[str, object]) -> Iterator[Mistake]:
    rings = {
        item.get("name"): item.get("rings")
        for _, item in _items(root, "environments")
        if isinstance(item.get("name"), str)
    }
    for path, item in _items(root, "clusters"):
        environment, ring = item.get("environment"), item.get("ring")
        if not isinstance(environment, str) or not isinstance(ring, int) or environment not in rings:
            continue
        known = rings[environment]
        if not isinstance(known, list) or ring not in known:
            shown = ", ".join(map(str, known)) if isinstance(known, list) and known else "none"
            yield (*path, "ring"), f"{ring} is not a ring of {environment!r}, whose rings are: {shown}"


def _wrong_feeds(root: Mapping[str, object]) -> Iterator[Mistake]:
    alertmanagers = _Named("Alertmanager", _names(_items(root, "alertmanagers") + _items(root, "observatorium")))
    for path, item in _items(root, "prometheuses"):
        yield from alertmanagers.mistakes_of(path, item, "feeds")


def _wrong_matches(root: Mapping[str, object], environments: _Named) -> Iterator[Mistake]:
    """Environments and rings that policies are about, and that are not there: such a policy would never fit."""
    of_all = [item.get("rings") for _, item in _items(root, "environments")]
    known = {ring for rings in of_all if isinstance(rings, list) for ring in rings if isinstance(ring, int)}
    for path, policy in _items(root, "policies"):
        match = policy.get("match")
        if isinstance(match, Mapping):
            inside = (*path, "match")
            yield from environments.mistakes_of(inside, match, "environments")
            yield from _wrong_ring_numbers((*inside, "rings"), match.get("rings"), known)


def _wrong_access(root: Mapping[str, object], environments: _Named, clusters: _Named) -> Iterator[Mistake]:
    """Names without `*`, `?` and `[` that are not there: such a rule would never fit."""
    for path, rule in _items(root, "access"):
        for key, named in (("environments", environments), ("clusters", clusters)):
            globs = {index for index, text in _texts(rule, key) if set(text) & set("*?[")}
            yield from (mistake for mistake in named.mistakes_of(path, rule, key) if mistake[0][-1] not in globs)


def _persons_unknown(root: Mapping[str, object]) -> Iterator[Mistake]:
    """What only single sign-on can tell, where there is none."""
    if root.get("sso"):
        return
    for path, item in _items(root, "argocd"):
        if item.get("act_as") == "person":
            yield (*path, "act_as"), "'person' needs single sign-on: add 'sso', or leave it at 'robot'"
    if _items(root, "access"):
        yield ("access",), "means nothing without 'sso': local accounts get their role by manage.py portal_account"


def _shared_shapes(sources: Items) -> Iterator[Mistake]:
    """URLs that lead to two sources: only the first would ever be looked into."""
    taken: dict[str, Path] = {}
    for path, source in sources:
        for index, shape in _texts(source, "urls"):
            place = (*path, "urls", index)
            if taken.setdefault(shape, place) != place:
                yield place, f"leads to {path_text(taken[shape])} already: say it once"


def _shared_placeholders(root: Mapping[str, object]) -> Iterator[Mistake]:
    """Names that are the same placeholder, since neither case nor "-" and "_" tell two of them apart."""
    values = root.get("runbook_values")
    taken: dict[str, str] = {}
    for name in values if isinstance(values, Mapping) else ():
        plain = str(name).lower().replace("-", "_")
        if taken.setdefault(plain, str(name)) != name:
            yield ("runbook_values", str(name)), f"is the same placeholder as {taken[plain][:100]!r}"


def _wrong_ring_numbers(path: Path, rings: object, known: set[int]) -> Iterator[Mistake]:
    for index, ring in enumerate(rings if isinstance(rings, list) else []):
        if isinstance(ring, int) and ring not in known:
            shown = ", ".join(map(str, sorted(known))) or "none"
            yield (*path, index), f"{ring} is not a ring of any environment; their rings are: {shown}"


def path_text(path: Path) -> str:
    """A path as people write it: `argocd[1].url`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "(the whole file)"
