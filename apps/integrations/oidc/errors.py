"""What a sign-in can fail by, in sentences for the person who wanted in."""

from __future__ import annotations

from typing import Final

from apps.core.errors import PortalError, UpstreamError

EXPIRED_THERE: Final = "expired-there"
"""The kind of a sign-in that was open for too long at the provider: worth a second try."""
AGAIN: Final = "Start again."
ADMIN: Final = "Tell whoever runs the portal."

WORDS: Final[dict[str, str]] = {
    "not-begun": f"This sign-in was not begun in this browser, or it was begun too long ago. {AGAIN}",
    "other-browser": f"This answer belongs to a sign-in of another browser or tab. {AGAIN}",
    "other-provider": f"The answer came from another identity provider than the portal's. {AGAIN}",
    "said-no": "The identity provider did not let you in: it said no, or the sign-in was cancelled there.",
    "login-required": "The identity provider wants you to sign in there. Start again, and it will ask you.",
    EXPIRED_THERE: "The identity provider's sign-in page was open for too long, or another tab has signed in meanwhile."
    f" {AGAIN}",
    "provider-trouble": "The identity provider has trouble of its own just now. Try again in a minute.",
    "provider-error": f"The identity provider refused the portal's request. {ADMIN}",
    "no-code": f"The identity provider's answer is incomplete. {AGAIN}",
    "code-refused": f"This sign-in was used already, or it took too long. {AGAIN}",
    "no-token": f"The identity provider answered without an ID token. {ADMIN}",
    "too-large": f"The identity provider's answer is far larger than it can rightly be. {ADMIN}",
    "unreadable": f"The identity provider's answer cannot be read. {ADMIN}",
    "algorithm": f"The identity provider signs in a way that the portal is not set to trust. {ADMIN}",
    "key": f"The answer is signed with a key that the identity provider does not publish. {AGAIN}",
    "signature": f"The answer's signature is false: it is not the identity provider's. {AGAIN}",
    "issuer": f"The answer names another issuer than the portal's identity provider. {ADMIN}",
    "audience": f"The answer was made for another application, not for this portal. {ADMIN}",
    "expired": "The identity provider's answer had run out when it came. Start again; if that does not help, the"
    " clocks of the provider and the portal differ.",
    "not-yet": "The identity provider's answer lies in the future: the clocks of the provider and the portal differ."
    f" {ADMIN}",
    "nonce": f"The answer was made for another sign-in, not for this one. {AGAIN}",
    "subject": f"The identity provider does not say who you are in a way that the portal can keep. {ADMIN}",
    "other-person": "The identity provider's new answer is about somebody else. Sign in again.",
    "access-token": f"The parts of the identity provider's answer do not belong together. {AGAIN}",
    "too-old": "A fresh sign-in was asked for, and the identity provider answered with an older one. Start again, and"
    " enter your password there.",
    "groups": f"The identity provider tells your groups in a form that the portal does not understand. {ADMIN}",
    "claims": f"The identity provider's answer has not the form of an ID token. {ADMIN}",
    "logout": "This is no logout token.",
    "groups-not-told": "The identity provider does not say any more which groups you are in. Sign in again.",
    "session-over": "Your session at the identity provider is over. Sign in again.",
}


class SignInRefused(PortalError):
    """No session comes of this. `kind` is a word for the log, `words` are for the person; neither holds a token.

    `detail` says more to whoever runs the portal ("the claim exp").
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.words = WORDS[kind]
        self.detail = detail


class SessionEnded(SignInRefused):
    """The provider gives no new tokens for this session: it was ended there, or the person was disabled."""


class ProviderAway(UpstreamError):
    """The provider cannot be asked, or not by this portal as it is set up. It says nothing of any person."""

    kind = "provider_away"

    @property
    def words(self) -> str:
        """For the person."""
        return f"The identity provider cannot be asked: {self.message}. Try again in a minute."


class PortalRefused(ProviderAway):
    """The provider does not take the portal as its client: `code` is its own word ("invalid_client")."""

    def __init__(self, source: str, code: str) -> None:
        super().__init__(source, f"it refuses the portal itself ({code})")
        self.code = code

    @property
    def words(self) -> str:
        """For the person."""
        return (
            f"The identity provider refuses the portal itself ({self.code}): an admin has to mend the portal's client"
            " there, or its secret here. Nobody can sign in until then."
        )
