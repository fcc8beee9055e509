"""The ASGI application that uvicorn serves: pages in threads, streams in the event loop.

Pages are synchronous from end to end, so each runs in one thread of a small pool that keeps its database connection;
under Django's own ASGI handler every middleware would change threads (docs/adr/009-pages-in-threads.md).
"""

import gc
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, cast

from a2wsgi import WSGIMiddleware

from .settings.databases import PAGE_THREADS
from .wsgi import application as pages

if TYPE_CHECKING:
    from a2wsgi.wsgi_typing import WSGIApp

from .streams import PATH, Streams, stream_limit

YOUNG_OBJECTS = 20_000

gc.freeze()
gc.set_threshold(YOUNG_OBJECTS)
in_threads = cast(
    "Callable[[Any, Any, Any], Awaitable[None]]", WSGIMiddleware(cast("WSGIApp", pages), workers=PAGE_THREADS)
)
streams = Streams(stream_limit())


async def application(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    """A stream where it is one, else a page."""
    is_stream = scope["type"] == "http" and scope["path"] == PATH
    await (streams if is_stream else in_threads)(scope, receive, send)
