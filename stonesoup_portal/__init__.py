"""The glue: settings, URLs, the Celery application with its schedule, the supervisor."""

from .celery import app as celery_app

__all__ = ["celery_app"]
