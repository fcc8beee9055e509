"""Sending requests and looking after those that were sent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from uuid import UUID

from celery import shared_task
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from .models import ActionRequest
from .sending import request_send
from .settling import requests_look_after, requests_lost
from .silences.sending import silence_send
from .silences.settling import silences_look_after
from .states import SILENCES
from .steps import WITH_STEPS, request_advance, steps_advance

log = logging.getLogger(__name__)

QUEUE = "actions"
MESSAGE_LIVES = 30
"""Seconds; a request whose message was lost, or lived too long, is found by its row."""


@shared_task(name="actions.send")
def send(pk: str) -> None:
    """Sends one request, if it still waits to be sent; of one with steps, has those sent whose turn it is."""
    key = UUID(pk)
    action = ActionRequest.objects.filter(pk=key).values_list("action", flat=True).first()
    if action in WITH_STEPS:
        messages_send(request_advance(key))
    elif action in SILENCES:
        silence_send(key)
    else:
        request_send(key)


@shared_task(name="actions.look_after")
def look_after() -> None:
    """Moves requests of several steps on, sends what is to be sent, and looks after what was sent."""
    messages_send([*steps_advance(), *requests_lost()])
    requests_look_after()
    silences_look_after()


def send_soon(pk: UUID) -> None:
    """Has a worker send the request; to be called once it is committed. Nobody waits for a broker that is away."""
    threading.Thread(target=message_send, args=(pk,), daemon=True, name="send-soon").start()


def messages_send(pks: Iterable[UUID]) -> None:
    """Has workers send these; without a broker the schedule finds them by their rows."""
    all(message_send(pk) for pk in pks)


def message_send(pk: UUID) -> bool:
    """Whether the broker took the message; without a broker the schedule finds the request by its row."""
    try:
        send.apply_async(kwargs={"pk": str(pk)}, queue=QUEUE, expires=MESSAGE_LIVES, retry=False)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("request %s is sent later, the broker says: %s", pk, error)
        return False
    return True
