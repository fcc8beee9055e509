"""Every call to the provider: by the portal's one HTTP layer, with a deadline and a cap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from apps.core.errors import UpstreamError
from apps.integrations.http import Answer, Endpoint, HttpClient
from apps.integrations.oidc.errors import ProviderAway
from apps.integrations.oidc.settings import ProviderSettings

SOURCE: Final = "sso"
DEADLINE: Final = 5.0
CAP: Final = 1024 * 1024


class Transport:
    """How the provider of these settings is asked. Each call gets its own credentials, and no other call does."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._ca, self._proxy = settings.ca_file, settings.proxy

    def get(self, url: str, *segments: str, headers: Mapping[str, str] | None = None) -> Answer:
        """GET a URL, with names added to its path. Raises ProviderAway."""
        return self._call("GET", url, segments, headers=headers or {})

    def post(self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str]) -> Answer:
        """POST a form. The answer may be a refusal with 400 or 401. Raises ProviderAway."""
        return self._call("POST", url, (), form=form, headers=headers, expected=(400, 401))

    def _call(
        self,
        method: str,
        url: str,
        segments: tuple[str, ...],
        *,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None = None,
        expected: tuple[int, ...] = (),
    ) -> Answer:
        endpoint = Endpoint(
            source=SOURCE,
            url=url,
            headers=lambda: headers,
            ca=self._ca,
            proxy=self._proxy,
            deadline=DEADLINE,
            body_cap=CAP,
        )
        http = HttpClient(endpoint)
        try:
            return http.call(method, segments, form=form, expected=expected)
        except UpstreamError as error:
            raise away(error) from error
        finally:
            http.close()


def away(error: UpstreamError) -> ProviderAway:
    """The provider's absence, however it showed."""
    return ProviderAway(error.source, error.message, retry_after=error.retry_after, never_sent=error.never_sent)
