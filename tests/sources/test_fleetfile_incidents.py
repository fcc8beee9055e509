"""Where the fleet file says that incidents are."""

from __future__ import annotations

import pytest

from apps.sources.fleetfile.loading import FleetFileInvalid, fleet_file_parse


def told(url: str) -> str | None:
    """What a fleet file with this shape says."""
    return fleet_file_parse(text=f"portal: {{incident_url: '{url}'}}\n").portal.incident_url


def test_it_is_the_shape_of_an_address_with_a_place_for_the_id() -> None:
    assert told("https://incidents.example.com/show?id=<id>#top") == "https://incidents.example.com/show?id=<id>#top"
    assert fleet_file_parse(text="portal: {}\n").portal.incident_url is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://incidents.example.com/", "must have <id> in it"),
        ("javascript:alert(<id>)", "must begin with http"),
        ("https://<id>.example.com/", "must begin with http"),
        ("https://user@incidents.example.com/<id>", "without user name"),
        ("https://incidents.example.com/a b/<id>", "blanks"),
    ],
)
def test_what_is_no_such_shape_is_said_in_words(url: str, why: str) -> None:
    with pytest.raises(FleetFileInvalid, match=why):
        told(url)
