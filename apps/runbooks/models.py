"""Runbooks as they were last read, the images in them, and who has done which step for which alert."""

from __future__ import annotations

from django.db import models

from apps.alerts.models import Episode


class Runbook(models.Model):
    """A runbook, as it was last read from its source.

    `source` is the source's name in the fleet file, `path` the file's from the source's root. `revision` is the
    commit that last changed it, or a digest of what it says where its source keeps no history or does not tell it.
    `problem` says why it cannot be read ("" = it can); its text is then what could be read of it, or "".
    """

    source = models.CharField(max_length=100)
    path = models.CharField(max_length=700)
    title = models.CharField(max_length=300, default="")
    text = models.TextField(default="", help_text="Markdown, 512 kB at most")
    revision = models.CharField(max_length=100, default="")
    changed_at = models.DateTimeField(null=True, help_text="None = its source does not tell")
    changed_by = models.CharField(max_length=300, default="")
    problem = models.CharField(max_length=300, default="")
    digest = models.CharField(max_length=200, default="", help_text="of its content, or the server's ETag: what is new")
    read_at = models.DateTimeField(help_text="when this content was first read")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "path"], name="runbook_identity")]

    def __str__(self) -> str:
        return f"{self.source} {self.path}"


class RunbookFile(models.Model):
    """An image that a runbook of the same source shows."""

    source = models.CharField(max_length=100)
    path = models.CharField(max_length=700)
    content_type = models.CharField(max_length=50)
    data = models.BinaryField(help_text="256 kB at most")
    digest = models.CharField(max_length=200, default="", help_text="as Runbook.digest")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "path"], name="runbook_file_identity")]

    def __str__(self) -> str:
        return f"{self.source} {self.path}"


class RunbookMiss(models.Model):
    """That a source which is read on demand (http) was asked for a file, and said that it is not there."""

    source = models.CharField(max_length=100)
    path = models.CharField(max_length=700)
    since = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "path"], name="runbook_miss_identity")]

    def __str__(self) -> str:
        return f"{self.source} has no {self.path}"


class RunbookTree(models.Model):
    """What was last read of a source as a whole; no row = it was never read.

    `is_whole` means that every file of it is known (git, folder): what has no row is not there. Otherwise (http) only
    what was asked for is known.
    """

    source = models.CharField(max_length=100, unique=True)
    revision = models.CharField(max_length=100, default="", help_text="the commit, or a digest of the folder")
    read_at = models.DateTimeField(help_text="when the source last told it, changed or not")
    is_whole = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"{self.source} at {self.revision[:12]}"


class TickTold(models.Model):
    """Who has done one step of a runbook for one alert, and when."""

    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="%(class)ss")
    source = models.CharField(max_length=100)
    path = models.CharField(max_length=700)
    step = models.CharField(max_length=64, help_text="the step's anchor, which stays while its text does")
    person = models.CharField(max_length=300)
    username = models.CharField(max_length=150, default="", db_default="", help_text="empty: from before it was kept")
    at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.step} done by {self.person}"


class Tick(TickTold):
    """That somebody has done one step of a runbook, for one alert."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["episode", "source", "path", "step"], name="tick_identity")]


class UndoneTick(TickTold):
    """A tick that was taken back: by whom (username) and when."""

    undone_by = models.CharField(max_length=150)
    undone_at = models.DateTimeField()


class CoverageDay(models.Model):
    """How many rules had which verdict at the end of a day (UTC), or have now; a day on which nothing changed has none.

    The numbers are decision 27's; `not_known` of `not_configured` are those whose source was not read yet.
    """

    day = models.DateField(unique=True)
    rules = models.PositiveIntegerField()
    with_runbook = models.PositiveIntegerField()
    without = models.PositiveIntegerField()
    empty = models.PositiveIntegerField()
    dead = models.PositiveIntegerField()
    not_configured = models.PositiveIntegerField()
    not_known = models.PositiveIntegerField()
    slo_rules = models.PositiveIntegerField()
    slo_without = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.day}: {self.with_runbook} of {self.rules}"
