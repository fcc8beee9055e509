"""Pages that join several features."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """The app of the pages that join features, and of the frame around all."""

    name = "apps.dashboard"
    label = "dashboard"

    def ready(self) -> None:
        """Pages are made anew when what their frame tells changes by the clock alone."""
        from apps.core.live import FRAME_ENDS

        from .context import frame_ends

        FRAME_ENDS.append(frame_ends)
