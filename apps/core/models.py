"""Topics, whose version rises when what a page shows has changed, and leases, which one process holds at a time."""

from __future__ import annotations

from django.db import models


class Topic(models.Model):
    """What a page depends on ("apps:production", "alerts", "cluster:stone-prd-m01") and how often it has changed."""

    name = models.CharField(max_length=200, primary_key=True)
    version = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class Lease(models.Model):
    """A right that one holder has until `expires_at`: to read a source, to follow a stream, to beat the schedule."""

    name = models.CharField(max_length=200, primary_key=True)
    holder = models.CharField(max_length=200)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} held by {self.holder}"
