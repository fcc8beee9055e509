"""The one way over HTTP to every upstream: total deadline, caps, no redirects, errors in the portal's own words."""

from apps.integrations.http.client import Answer, HttpClient, Query, Refine
from apps.integrations.http.endpoint import CallFacts, Endpoint
from apps.integrations.http.failures import MEANINGS, failure, is_given_to_nobody, kind_of_status, translated, words_of
from apps.integrations.http.stream import Stream
from apps.integrations.http.words import plain_line

__all__ = [
    "MEANINGS",
    "Answer",
    "CallFacts",
    "Endpoint",
    "HttpClient",
    "Query",
    "Refine",
    "Stream",
    "failure",
    "is_given_to_nobody",
    "kind_of_status",
    "plain_line",
    "translated",
    "words_of",
]
