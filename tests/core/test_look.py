"""Tokens readable in both schemes, style sheets that stay small, pages without style or script of their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from apps.core.tones import Tone

CSS = Path(settings.BASE_DIR) / "static" / "css"
TEMPLATES = Path(settings.BASE_DIR) / "templates"
MOST_BYTES = 25 * 1024
TEXT, SHAPE = 4.5, 3.0
SURFACES = ("page", "panel", "raised")


PAIRS = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", (CSS / "tokens.css").read_text())
LIGHT = {name: light for name, light, _ in PAIRS}
DARK = {name: dark for name, _, dark in PAIRS}


def luminance(colour: str) -> float:
    """WCAG 2's relative luminance."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast of two colours."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("ink", ["text", "quiet", "accent"])
def test_text_is_readable(scheme: dict[str, str], surface: str, ink: str) -> None:
    assert contrast(scheme[ink], scheme[surface]) >= TEXT


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("tone", list(Tone))
def test_a_tones_words_and_shape_are_readable(scheme: dict[str, str], tone: Tone) -> None:
    assert contrast(scheme[tone], scheme["panel"]) >= TEXT
    assert all(contrast(scheme[tone], scheme[surface]) >= SHAPE for surface in SURFACES)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_filled_things_are_readable(scheme: dict[str, str]) -> None:
    assert contrast(scheme["accent-text"], scheme["accent"]) >= TEXT
    assert contrast(scheme["panel"], scheme["text"]) >= TEXT


def test_dark_and_light_follow_the_system_unless_a_person_chose() -> None:
    sheet = (CSS / "tokens.css").read_text()
    assert len(PAIRS) == len(set(LIGHT)) >= len(SURFACES) + len(Tone)
    assert re.findall(r":root(\[[^]]*\])? { color-scheme: ([a-z ]+); }", sheet) == [
        ("", "light dark"),
        ('[data-theme="light"]', "light"),
        ('[data-theme="dark"]', "dark"),
    ]


def test_every_tone_has_its_own_shape() -> None:
    symbols = dict(
        re.findall(r'<symbol id="tone-([a-z]+)"[^>]*>(.*?)</symbol>', (TEMPLATES / "core/_shapes.html").read_text())
    )
    assert set(symbols) == set(Tone)
    assert len(set(symbols.values())) == len(Tone)


def test_every_tone_has_its_own_fill_where_marks_are_too_small_for_shapes() -> None:
    fills = re.findall(
        r'<pattern id="drawn-([a-z]+)"(?: class="[a-z]+")?(.*?)</pattern>',
        (TEMPLATES / "core/_shapes.html").read_text(),
    )
    assert {tone for tone, _ in fills} == set(Tone)
    assert len({fill for _, fill in fills}) == len(Tone)
    assert 'fill="url(#drawn-{{ mark.tone }})"' in (TEMPLATES / "timeline/_drawn.html").read_text()


def test_style_sheets_are_small() -> None:
    assert sum(sheet.stat().st_size for sheet in CSS.glob("*.css")) <= MOST_BYTES


def test_colours_stand_in_the_tokens_alone() -> None:
    others = [sheet for sheet in CSS.glob("*.css") if sheet.name != "tokens.css"]
    assert others
    assert [sheet.name for sheet in others if re.search(r"#[0-9a-f]{3,8}\b|rgb\(|hsl\(", sheet.read_text())] == []


def test_pages_bring_no_style_or_script_of_their_own() -> None:
    """The content security policy would refuse them."""
    inline = re.compile(r"<style|\sstyle=|\son[a-z]+=|hx-on|javascript:|<script(?![^>]*\ssrc=)")
    pages = list(TEMPLATES.rglob("*.html"))
    assert len(pages) > 10
    assert [str(page) for page in pages if inline.search(page.read_text())] == []


def test_no_page_turns_escaping_off() -> None:
    assert [
        str(page) for page in TEMPLATES.rglob("*.html") if re.search(r"\|safe\b|autoescape", page.read_text())
    ] == []
