"""The stream of Applications: everything as ADDED at first, then each change whose selected fields are new."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import msgspec

from apps.demo.argocd.fields import Tree, pruned
from apps.demo.world.applications import Application, ArgoInstance, Event

KEEP_ALIVE = 15.0
TICK = 0.25
BREATH = 50


async def follow(
    instance: ArgoInstance,
    *,
    tree: Tree | None,
    wanted: Callable[[Application], bool],
    is_sse: bool,
    replays: bool,
) -> AsyncGenerator[bytes, None]:
    """The chunks of one watcher's stream. An empty chunk comes every moment in which nothing happened."""
    queue: asyncio.Queue[Event] = asyncio.Queue()
    seen: dict[str, int] = {}
    if replays:
        for position, application in enumerate(list(instance.applications.values())):
            if wanted(application):
                yield _framed(_line(Event("ADDED", application, instance.render(application)), tree, seen), is_sse)
            if position % BREATH == BREATH - 1:
                await asyncio.sleep(0)
    instance.watchers.add(queue)  # after the replay, as the real one does: what changed meanwhile is lost
    try:
        async for chunk in _live(queue, tree=tree, wanted=wanted, is_sse=is_sse, seen=seen):
            yield chunk
    finally:
        instance.watchers.discard(queue)


async def _live(
    queue: asyncio.Queue[Event],
    *,
    tree: Tree | None,
    wanted: Callable[[Application], bool],
    is_sse: bool,
    seen: dict[str, int],
) -> AsyncGenerator[bytes, None]:
    quiet = 0.0
    while True:
        try:
            event = await asyncio.wait_for(queue.get(), timeout=TICK)
        except TimeoutError:
            quiet += TICK
            yield b":\n" if is_sse and quiet % KEEP_ALIVE == 0 else b""
            continue
        if wanted(event.application):
            yield _framed(_line(event, tree, seen), is_sse)


def _line(event: Event, tree: Tree | None, seen: dict[str, int]) -> bytes:
    """The event's JSON, or nothing when its selected fields are what this watcher saw last under that name."""
    document = pruned({"result": {"type": event.type, "application": event.document}}, tree)
    line = msgspec.json.encode(document)
    name = event.application.name
    if event.type == "DELETED":
        seen.pop(name, None)
        return line
    key = hash(msgspec.json.encode(document["result"].get("application")))
    if seen.get(name) == key:
        return b""
    seen[name] = key
    return line


def _framed(line: bytes, is_sse: bool) -> bytes:
    if not line:
        return b""
    return b"data: " + line + b" \n\n" if is_sse else line + b"\n"
