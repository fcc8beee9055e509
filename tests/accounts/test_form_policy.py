"""The content policy lets forms lead to the provider that the fleet file names, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from apps.sources.fleetfile.current import fleet_file_look_again


def forms_of(client: Client) -> str:
    policy = client.get("/accounts/sign-in/?again=1", follow=False).headers["Content-Security-Policy"]
    return next(part for part in policy.split("; ") if part.startswith("form-action"))


@pytest.mark.parametrize(
    ("said", "led"),
    [
        ("", "form-action 'self'"),
        ("sso: {issuer: 'http://127.0.0.1:9', client_id: portal}", "form-action 'self' http://127.0.0.1:9"),
        (
            "sso: {issuer: 'https://id.example/realms/a', client_id: portal, hosts: ['id2.example:8443']}",
            "form-action 'self' https://id.example https://id2.example:8443",
        ),
    ],
)
def test_forms_lead_to_the_portal_and_its_provider(
    client: Client, tmp_path: Path, settings: Settings, db: None, said: str, led: str
) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(f"environments: [{{name: staging}}]\n{said}\n")
    settings.PORTAL_FLEET = str(path)
    fleet_file_look_again()
    assert forms_of(client) == led
