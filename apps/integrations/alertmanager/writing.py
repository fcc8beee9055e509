"""What changes something at an Alertmanager (0.22 and later, API v2): silences, made, changed and expired."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

from apps.integrations.alertmanager.values import Matcher, SilenceOrder
from apps.integrations.upstream import UpstreamClient


class _Made(Struct):
    silence_id: str = field(name="silenceID")


class Writing(UpstreamClient):
    """Asks an Alertmanager to do something. POST and DELETE go out once, to this member alone.

    For them an UpstreamError tells what came of it: where `never_sent` is True nothing did. UpstreamDenied (401, 403),
    UpstreamNotFound and UpstreamRejected (400, 422) are refusals: nothing was done. All others (no answer in time, a
    connection that broke, 5xx, an answer that cannot be read) leave open whether it was.
    """

    _base: tuple[str, ...]

    def silence_post(self, order: SilenceOrder) -> str:
        """Makes a silence, or changes the one that the order names; returns its id.

        One whose matchers and start (to the second) stay as they are is changed in place; else the named one is
        expired at once, and the id is a new one. Refused with UpstreamRejected: an end that is past, matchers that all
        match the empty string, a regular expression that cannot be read; behind Observatorium also every id, and none
        but the tenant's own matchers; with UpstreamNotFound: there is no silence of that id. See the class.
        """
        answer = self.http.call("POST", (*self._base, "silences"), json=_body(order))
        return answer.decode(_Made).silence_id

    def silence_expire(self, silence_id: str) -> None:
        """Ends a silence now; one that has ended stays as it is. UpstreamNotFound: there is none of that id."""
        self.http.call("DELETE", (*self._base, "silence", silence_id))


def _body(order: SilenceOrder) -> dict[str, Any]:
    body: dict[str, Any] = {
        "matchers": [_matcher(each) for each in order.matchers],
        "startsAt": _moment(order.starts_at),
        "endsAt": _moment(order.ends_at),
        "createdBy": order.created_by,
        "comment": order.comment,
    }
    body |= {"annotations": order.annotations} if order.annotations else {}
    return body | ({"id": order.id} if order.id else {})


def _matcher(matcher: Matcher) -> dict[str, Any]:
    is_it = {"isRegex": matcher.is_regex, "isEqual": matcher.is_equal}
    return {"name": matcher.name, "value": matcher.value, **is_it}


def _moment(moment: datetime) -> str:
    """RFC 3339 with milliseconds, as Alertmanager tells its own."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
