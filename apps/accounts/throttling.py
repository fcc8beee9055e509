"""Slowing down the guessing of passwords, counted in the database so that every process counts the same."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.forms import UsernameField
from django.http import HttpRequest

from apps.core.clock import database_now
from apps.core.text import clean

from .models import FailedSignIn

WINDOW = timedelta(minutes=15)
FREE_FAILURES = 5


class SignInThrottle:
    """The failures of one user name from one address, in the last 15 minutes; past five, one has to wait them out."""

    def __init__(self, request: HttpRequest) -> None:
        self.username = clean(as_signed_in_with(request.POST.get("username", "")), 150)
        self.address = clean(request.META.get("REMOTE_ADDR", ""), 100)
        self.now = database_now()
        self.failures = FailedSignIn.objects.filter(username=self.username, address=self.address)

    def wait_seconds(self) -> int:
        """How long until the next try counts; 0: now."""
        recent = list(self.failures.filter(at__gt=self.now - WINDOW).order_by("-at").values_list("at", flat=True))
        if len(recent) < FREE_FAILURES:
            return 0
        return max(1, int((recent[FREE_FAILURES - 1] + WINDOW - self.now).total_seconds()))

    def note_failure(self) -> None:
        """Counts one wrong password, and lets go of old ones."""
        FailedSignIn.objects.filter(at__lte=self.now - WINDOW).delete()
        FailedSignIn.objects.create(username=self.username, address=self.address, at=self.now)

    def forget(self) -> None:
        """The right password ends the count."""
        self.failures.delete()


def as_signed_in_with(username: str) -> str:
    """The name as the sign-in form reads it: other spaces around it or other letters of its kind are no other name."""
    return str(UsernameField().to_python(username))
