"""Who is signed in, and what they may do."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Has each sign-in write down its moment."""
        from django.contrib.auth.signals import user_logged_in

        from .sessions import sign_in_noted

        user_logged_in.connect(sign_in_noted, dispatch_uid="sign-in-noted")
