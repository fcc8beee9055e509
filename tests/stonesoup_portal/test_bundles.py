"""What pages have joined into one file is all that lies in static/, but for what single pages ask for themselves."""

import tempfile
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from stonesoup_portal.bundles import BUNDLES, BundleFinder

ALONE = {"css/wall.css", "js/wall.js", "js/columns.js"}


def test_every_style_sheet_and_script_is_in_a_bundle_once_or_stands_alone() -> None:
    there = {
        f"{kind}/{file.name}" for kind in ("css", "js") for file in Path(settings.BASE_DIR, "static", kind).iterdir()
    }
    bundled = [part for parts in BUNDLES.values() for part in parts]
    assert sorted(bundled) == sorted(there - ALONE)


def test_a_bundle_is_found_and_holds_its_parts_in_their_order() -> None:
    found = finders.find("portal.css")
    assert isinstance(found, str)
    text = Path(found).read_text()
    parts = [Path(settings.BASE_DIR, "static", part).read_text() for part in BUNDLES["portal.css"]]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)


def test_who_only_checks_the_finder_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    assert BundleFinder().check() == []
    with pytest.raises(FileNotFoundError):
        list(BundleFinder().list(None))


@pytest.mark.django_db
def test_pages_ask_for_them(client: Client) -> None:
    page = client.get("/accounts/sign-in/").content.decode()
    assert page.count('rel="stylesheet"') == 1
    answer = client.get("/static/portal.css")
    assert answer.status_code == 200
    answer.close()
