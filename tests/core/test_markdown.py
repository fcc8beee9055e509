"""What people write as Markdown is shown, and nothing of it runs."""

from __future__ import annotations

import re
import time

import pytest

from apps.core.markdown import markdown_safe

INCIDENTS = "https://incidents.example.com/<id>/timeline"


def test_paragraphs_lists_code_and_emphasis_are_shown() -> None:
    shown = markdown_safe(
        "Looked **twice**, it is *odd*.\n\n- one\n- two\n\n1. first\n\n```sh\noc get <pods>\n```\n`a < b`"
    )

    assert "<p>Looked <strong>twice</strong>, it is <em>odd</em>.</p>" in shown
    assert "<li>one</li>" in shown
    assert "<ol>\n<li>first</li>" in shown
    assert "<pre><code>oc get &lt;pods&gt;\n</code></pre>" in shown
    assert "<code>a &lt; b</code>" in shown


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<style>body{display:none}</style>",
        "<form action=/actions/new/><button>x</button></form>",
        "[x](javascript:alert(1))",
        "[x](java&#x09;script:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "![x](https://elsewhere.example.com/pixel.png)",
        "<https://user:secret@elsewhere.example.com/>",
        "[x](https://user@elsewhere.example.com/)",
        '<a id="live" name="live" href="https://elsewhere.example.com">x</a>',
        "[x]: javascript:alert(1)\n\n[x]",
        "```html\n</code></pre><script>alert(1)</script>\n```",
        '[x](https://elsewhere.example.com/" onmouseover="alert(1))',
    ],
)
def test_nothing_runs_loads_or_leads_astray(hostile: str) -> None:
    shown = markdown_safe(hostile)

    tags = {tag.lower() for tag in re.findall(r"<\s*([a-zA-Z]+)", shown)}
    assert tags <= {"p", "a", "span", "code", "pre", "br"}
    assert not re.search(r"<[^>]+\s(on\w+|style|id|name|src)\s*=", shown)
    assert not re.search(r'<a [^>]*href="(?!https://elsewhere\.example\.com)', shown)
    assert not re.search(r'href="[^"]*@', shown)


def test_an_address_in_the_text_is_a_link_without_the_full_stop_behind_it() -> None:
    shown = markdown_safe("see https://grafana.example.com/d/a_b_c?from=1&to=2.")

    assert 'href="https://grafana.example.com/d/a_b_c?from=1&amp;to=2"' in shown
    assert "</a>.</p>" in shown
    assert 'rel="noopener noreferrer"' in shown


def test_an_incident_is_marked_and_leads_to_it_where_the_fleet_file_says_where_that_is() -> None:
    assert '<span class="badge">ITN-2026-00031</span>' in markdown_safe("as in ITN-2026-00031")
    shown = markdown_safe("as in ITN-2026-00031, not ITN-2026-31", incident_url=INCIDENTS)
    assert 'href="https://incidents.example.com/ITN-2026-00031/timeline"' in shown
    assert shown.count("<a ") == 1


def test_an_incident_in_a_link_or_in_code_is_left_as_it_is() -> None:
    shown = markdown_safe("[ITN-2026-00031](https://x.example.com/) `ITN-2026-00031`", incident_url=INCIDENTS)

    assert shown.count("<a ") == 1
    assert "<code>ITN-2026-00031</code>" in shown


def test_odd_characters_are_written_out_in_text_and_in_code() -> None:
    assert markdown_safe("a\u202eb `c\u200bd`").count('class="odd"') == 2


def test_headings_are_only_strong_so_that_a_note_does_not_look_like_the_page() -> None:
    assert markdown_safe("# Big") == "<p><strong>Big</strong></p>\n"


def test_headings_are_the_second_to_fourth_of_a_page_that_has_them() -> None:
    text = "# one\n\n## two\n\n### three\n\n##### five\n\nalso one\n==="
    assert str(markdown_safe(text, has_heads=True)).split("\n") == [
        "<h2>one</h2>",
        "<h2>two</h2>",
        "<h3>three</h3>",
        "<h4>five</h4>",
        "<h2>also one</h2>",
        "",
    ]
    assert "<h" not in markdown_safe(text)


def test_four_times_as_many_lines_cost_about_four_times_as_much() -> None:
    def cost(lines: int) -> float:
        text, times = "a\n" * lines, []
        for _ in range(3):
            began = time.process_time()
            markdown_safe(text)
            times.append(time.process_time() - began)
        return min(times)

    assert cost(8_000) < 9 * cost(2_000)
