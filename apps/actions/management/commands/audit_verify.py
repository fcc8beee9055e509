"""`manage.py audit_verify [--head HASH]`: reads the whole audit log and says whether anybody tampered with it."""

from __future__ import annotations

import string
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.actions.audit import audit_verify

HASH_LETTERS = 64


class Command(BaseCommand):
    """Exit status 1 where a line is wrong; it is named."""

    help = (
        "Reads the audit log from its beginning and names the first line that was altered, moved, or follows a missing"
        " one. Keep the head that it prints somewhere else: with --head, lines cut off the end show too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--head", default="", help="a head that was printed before, and kept elsewhere")

    def handle(self, *, head: str, **options: Any) -> None:
        head = head.strip().lower()
        if head and (len(head) != HASH_LETTERS or set(head) - set(string.hexdigits)):
            raise CommandError(f"--head is {HASH_LETTERS} hexadecimal digits, as this command prints them")
        found = audit_verify(head=head)
        if not found.is_good:
            place = f"line {found.line}" if found.line is not None else "the end"
            raise CommandError(f"The audit log is not whole. First bad: {place}: {found.problem}. Right: {found.count}")
        kept = " and hold the head kept elsewhere" if head else ""
        self.stdout.write(f"{found.count} lines, all as they were written{kept}")
        self.stdout.write(f"head {found.head}")
