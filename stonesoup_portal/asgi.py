"""The ASGI application that uvicorn serves: pages in threads, streams in the event loop."""

import gc
import os
import sys
from typing import Any

import django
from django.urls import reverse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stonesoup_portal.settings.embedded")
django.setup()

from apps.core.memory import what_is_loaded_stays  # noqa: E402

from .heads import refusal_of_head  # noqa: E402
from .pages import Pages, refuse  # noqa: E402
from .settings.databases import PAGE_THREADS  # noqa: E402
from .streams import PATH, Streams, stream_limit  # noqa: E402

YOUNG_OBJECTS, YOUNGER, OLDER = 20_000, 5, 4
"""When the garbage of pages is looked for: seldom, since that takes its time, and the old often enough."""
TURN_SECONDS = 0.001

pages = Pages(PAGE_THREADS)
streams = Streams(stream_limit())
sys.setswitchinterval(TURN_SECONDS)
reverse("dashboard:now")  # loads the addresses of all pages, with what they need
what_is_loaded_stays()
gc.set_threshold(YOUNG_OBJECTS, YOUNGER, OLDER)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A stream where it is one, else a page; neither where the request's head is too long."""
    if scope["type"] == "http" and (refusal := refusal_of_head(scope)):
        await refuse(send, *refusal)
        return
    is_stream = scope["type"] == "http" and scope["path"] == PATH
    await (streams if is_stream else pages)(scope, receive, send)
