"""The ASGI application that uvicorn serves.

Pages are synchronous from end to end, so each runs in one thread of a small pool that keeps its database connection;
under Django's own ASGI handler every middleware would change threads (docs/adr/009-pages-in-threads.md).
"""

import os
from typing import TYPE_CHECKING, cast

from a2wsgi import WSGIMiddleware

from .wsgi import application as pages

if TYPE_CHECKING:
    from a2wsgi.wsgi_typing import WSGIApp

PAGE_THREADS = int(os.environ.get("PORTAL_PAGE_THREADS", "8"))

application = WSGIMiddleware(cast("WSGIApp", pages), workers=PAGE_THREADS)
