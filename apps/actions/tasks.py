"""Sending requests and looking after those that were sent."""

from __future__ import annotations

import logging
import threading
from uuid import UUID

from celery import shared_task
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from .sending import request_send
from .settling import requests_look_after, requests_lost
from .steps import steps_advance

log = logging.getLogger(__name__)

QUEUE = "actions"
MESSAGE_LIVES = 30
"""Seconds; a request whose message was lost, or lived too long, is found by its row."""


@shared_task(name="actions.send")
def send(pk: str) -> None:
    """Sends one request, if it still waits to be sent."""
    request_send(UUID(pk))


@shared_task(name="actions.look_after")
def look_after() -> None:
    """Moves requests of several steps on, sends what is to be sent, and looks after what was sent."""
    for pk in [*steps_advance(), *requests_lost()]:
        if not message_send(pk):
            break
    requests_look_after()


def send_soon(pk: UUID) -> None:
    """Has a worker send the request; to be called once it is committed. Nobody waits for a broker that is away."""
    threading.Thread(target=message_send, args=(pk,), daemon=True, name="send-soon").start()


def message_send(pk: UUID) -> bool:
    """Whether the broker took the message; without a broker the schedule finds the request by its row."""
    try:
        send.apply_async(kwargs={"pk": str(pk)}, queue=QUEUE, expires=MESSAGE_LIVES, retry=False)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("request %s is sent later, the broker says: %s", pk, error)
        return False
    return True
