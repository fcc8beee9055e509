"""Trying every source of a fleet file once: what works, what does not, and what would mend it. Needs no database."""

from apps.sources.checking.results import Fault, SourceCheck
from apps.sources.checking.running import sources_check
from apps.sources.checking.sso import SsoCheck, sso_check

__all__ = ["Fault", "SourceCheck", "SsoCheck", "sources_check", "sso_check"]
