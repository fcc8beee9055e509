"""The pages of handovers: the facts of a span, writing, two who write at once, reading, taking along."""

from __future__ import annotations

import html as markup
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from apps.actions.states import Action, State
from apps.core.clock import database_now
from apps.handover.models import Handover
from apps.handover.texts import BEGIN, END
from apps.notes.models import Acknowledgement, Note
from apps.sources.models import Source
from tests.actions.cases import freeze_row, request_row
from tests.fleet_in_force import FleetFileOfTest
from tests.pages import HOSTILE, RTL, html_of, queries_of, text_of
from tests.rows import ago, broken, change_row, cluster_row, down, episode_row, silence_row, source_row

pytestmark = pytest.mark.database
URL, PAST = "/handover/", "/handover/past/"
M01, ALERT = "stone-prd-m01", "appsre/00000000000000aa"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
TEXTAREA = re.compile(r"<textarea[^>]*>\n(.*?)</textarea>", re.DOTALL)
FLEET = "environments: [{name: production}]\nportal: {shifts: {starts: ['00:00', '06:00', '12:00', '18:00']}}\n"


@pytest.fixture(autouse=True)
def fleet(db: None) -> None:
    """A cluster that is read, with its Argo CD and its Alertmanager."""
    for key in (f"kubernetes/{M01}", "argocd/production", "alertmanager/appsre/0"):
        source_row(key)
    cluster_row(M01, tone_since=ago(days=9))


def told_by(client: Client, url: str = URL) -> str:
    return text_of(html_of(client, url))


def written(html: str) -> str:
    """What the field for the text holds."""
    found = TEXTAREA.search(html)
    assert found
    return markup.unescape(found[1])


def sent(client: Client, html: str, do: str, url: str = URL, **fields: str) -> HttpResponse:
    """The answer to the page's form, with its text as it stands or another one."""
    form = {**dict(HIDDEN.findall(html)), "text": written(html), "do": do, **fields}
    return client.post(url, form)


def saved(client: Client, text: str = "") -> Handover:
    """One that was written on the page."""
    html = html_of(client, URL)
    answer = sent(client, html, "save", text=text or written(html))
    assert answer.status_code == 303
    return Handover.objects.get(pk=answer["Location"].strip("/").rpartition("/")[2])


def said_of_alert(model: type[Any], **fields: Any) -> Any:
    kind, _, title = "alert", "", "KonfluxAPIServerHighErrorRate"
    told = {"kind": kind, "subject": ALERT, "title": title, "cluster": M01, "by": "remy", "at": ago(minutes=5)}
    return model.objects.create(**{**told, **fields})


def busy_shift() -> None:
    """Something of everything."""
    episode_row(fingerprint="00000000000000aa", is_slo=True, reason="SLO alert")
    said_of_alert(Acknowledgement, note="on it", until=database_now() + timedelta(hours=1))
    said_of_alert(Note, text="see ITN-2026-00031")
    episode_row("Over", severity="high", began_at=ago(hours=3), ended_at=ago(hours=2), tone="well", state="ended")
    episode_row("Quiet", state="silenced", tone="held", reason="silenced by remy")
    broken("build-service-stone-prd-m01", tone_since=ago(days=2))
    request_row(Action.SYNC, State.SUCCEEDED, outcome="all synced", reason="drift", ticket="ITN-7", username="cara")
    freeze_row("environment", "production")
    silence_row(comment="upgrade under way")
    lost = {"kind": "cluster", "subject": M01, "field": "tone", "source": f"kubernetes/{M01}"}
    change_row(M01, before="well", after="critical: lost: refused", seen_at=ago(hours=5), **lost)
    change_row(M01, before="critical", after="well: it answers", seen_at=ago(hours=4, minutes=15), **lost)


def test_the_facts_are_shown_with_links_and_stand_in_the_text(viewer: Client) -> None:
    busy_shift()
    html = html_of(viewer, URL)
    told = text_of(html)
    assert "2 still open, 1 of them new. 3 began, 2 ended." in told
    assert f'<a href="/alerts/{ALERT}/"><bdi>KonfluxAPIServerHighErrorRate</bdi></a>' in html
    for words in (
        "SLO alert since",
        "acknowledged by remy until",
        "see ITN-2026-00031",
        "1 alert silenced, inhibited or muted",
        "Freeze of environment production by",
        "cara Resync: build-service",
        "succeeded: all synced drift ITN-7",
        f"cluster {M01} lost: refused",
        "(1 h)",
        f"{M01} 45 m Counted is the time",
        "Nothing: every source was read all the time",
    ):
        assert words in told, words
    text = written(html)
    assert text.startswith(f"{BEGIN}\n## Handover: ")
    assert "critical · `KonfluxAPIServerHighErrorRate` · SLO alert · since" in text
    assert text.rstrip().endswith(END)


def test_an_empty_shift_says_so_in_words(viewer: Client) -> None:
    told = told_by(viewer)
    for words in (
        "Nothing is open",
        "There are none",
        "Nothing ended",
        "Nobody did anything from this portal",
        "None: the one cluster was not critical in this time",
    ):
        assert words in told, words


def test_what_was_not_read_is_named_and_never_counted_as_well(viewer: Client) -> None:
    for key in (f"kubernetes/{M01}", "argocd/production"):
        down(Source.objects.get(key=key))
        state = {"kind": "source", "subject": key, "field": "state", "cluster": ""}
        change_row(key, before="ok", after="failing: refused", seen_at=ago(minutes=10), **state)
    told = told_by(viewer)
    assert "Nothing that is known is open" in told
    assert f"{M01} 10 m not known" in told
    assert f"argocd production, kubernetes {M01}: could not be read" in told


def test_one_member_of_an_alertmanager_that_answers_is_enough(viewer: Client) -> None:
    down(source_row("alertmanager/appsre/1"))
    assert "Nothing: every source was read all the time" in told_by(viewer)
    down(Source.objects.get(key="alertmanager/appsre/0"))
    assert "Alertmanager appsre: could not be read" in told_by(viewer)


def test_a_span_of_the_past_tells_what_was_open_at_its_end(viewer: Client) -> None:
    episode_row("Since", began_at=ago(hours=20), ended_at=ago(hours=5), tone="well", state="ended")
    broken("later", tone_since=ago(hours=1))
    change_row("later", before="well", after="warning", field="tone", seen_at=ago(hours=1))
    change_row("mended", before="warning", after="well", field="tone", seen_at=ago(hours=5))
    told = told_by(viewer, f"{URL}?span=last")
    assert "2 open at the end, 1 of them new. 1 began, nothing ended." in told
    assert "ended at" in told
    assert "later" not in told
    assert "mended" in told


def test_shifts_of_the_fleet_file_are_what_can_be_chosen(viewer: Client, fleet_file: FleetFileOfTest) -> None:
    fleet_file.put(FLEET)
    now = database_now()
    began = now.replace(hour=now.hour // 6 * 6, minute=0, second=0, microsecond=0)
    told = told_by(viewer)
    assert "This shift Last shift" in told
    assert f'name="from" aria-label="From, UTC" value="{began:%Y-%m-%dT%H:%M}"' in html_of(viewer, URL)
    last = html_of(viewer, f"{URL}?span=last")
    assert f'value="{began - timedelta(hours=6):%Y-%m-%dT%H:%M}"' in last
    assert f'value="{began:%Y-%m-%dT%H:%M}"' in last


def test_without_shifts_it_is_of_twelve_hours(viewer: Client) -> None:
    assert "Last 12 hours The 12 hours before" in told_by(viewer)


def test_a_time_that_cannot_be_is_told(viewer: Client) -> None:
    assert "“yesterday” is not a moment" in told_by(viewer, f"{URL}?from=yesterday")


def test_it_is_saved_shown_and_in_the_timeline(responder: Client, viewer: Client) -> None:
    busy_shift()
    html = html_of(responder, URL)
    kept = sent(responder, html, "save", text=f"Look at **{M01}** first\n\n{written(html)}")["Location"]
    page = html_of(viewer, kept)
    assert f"Look at <strong>{M01}</strong> first" in page
    assert "<h2>Still open</h2>" in page
    assert "the facts" not in text_of(page).partition("Handover")[2]
    assert "By responder-person" in text_of(page)
    assert "saved: " in text_of(html_of(viewer, "/timeline/"))
    assert f'href="{kept}"' in html_of(viewer, "/timeline/")


def test_the_span_of_what_is_saved_is_the_one_that_was_shown(responder: Client) -> None:
    html = html_of(responder, f"{URL}?from=2026-01-01T00:00&until=2026-01-01T08:00")
    sent(responder, html, "save")
    kept = Handover.objects.get()
    assert (kept.from_at.isoformat(), kept.until_at.isoformat()) == (
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T08:00:00+00:00",
    )


def test_facts_inserted_again_leave_what_was_written_by_hand(responder: Client) -> None:
    html = html_of(responder, URL)
    text = f"above\n{written(html)}below"
    episode_row("JustBegan")
    answer = sent(responder, html, "insert", text=text)
    again = written(answer.content.decode())
    assert answer.status_code == 200
    assert again.startswith(f"above\n{BEGIN}")
    assert again.rstrip().endswith("below")
    assert "`JustBegan`" in again
    assert not Handover.objects.exists()
    assert sent(responder, answer.content.decode(), "save").status_code == 303
    facts = Handover.objects.get().facts_kept
    assert facts
    assert facts.open == 1


def test_a_viewer_reads_and_is_told_who_may_save(viewer: Client) -> None:
    html = html_of(viewer, URL)
    assert "A responder may save it" in html
    assert 'value="save"' not in html
    answer = sent(viewer, html, "save", text="mine")
    assert answer.status_code == 409
    assert "Not saved: Your role is viewer" in text_of(answer.content.decode())
    assert written(answer.content.decode()) == "mine"
    assert not Handover.objects.exists()


@pytest.mark.parametrize(("text", "words"), [(" ", "There is nothing in the handover"), ("x" * 103_000, "too long")])
def test_what_cannot_be_saved_is_still_there(responder: Client, text: str, words: str) -> None:
    answer = sent(responder, html_of(responder, URL), "save", text=text)
    assert answer.status_code == 409
    assert words in text_of(answer.content.decode())
    assert written(answer.content.decode()).strip() == text.strip()


def test_a_form_that_is_not_whole_is_told(responder: Client) -> None:
    assert responder.post(URL, {"do": "save", "text": "mine"}).status_code == 409


def test_the_second_of_two_who_write_is_told_and_keeps_their_text(responder: Client, approver: Client) -> None:
    kept = saved(responder, "the first text")
    url = f"/handover/{kept.pk}/edit/"
    mine, theirs = html_of(responder, url), html_of(approver, url)
    assert sent(approver, theirs, "save", url, text="of the approver").status_code == 303

    answer = sent(responder, mine, "save", url, text="of the responder")
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "Not saved: approver-person saved it while you wrote" in text_of(html)
    assert "What approver-person saved" in text_of(html)
    assert "of the approver" in text_of(html)
    assert written(html) == "of the responder"
    assert Handover.objects.get().text == "of the approver\n"

    assert sent(responder, html, "save", url).status_code == 303
    row = Handover.objects.get()
    assert (row.text, row.revision, row.edited_by) == ("of the responder\n", 3, "responder-person")


def test_a_new_one_that_was_saved_already_from_the_same_form_is_not_overwritten(responder: Client) -> None:
    html = html_of(responder, URL)
    sent(responder, html, "save", text="first")
    answer = sent(responder, html, "save", text="second")
    assert answer.status_code == 409
    assert f'action="/handover/{Handover.objects.get().pk}/edit/"' in answer.content.decode()
    assert Handover.objects.get().text == "first\n"


def test_its_facts_stay_as_they_were_unless_they_are_inserted_again(responder: Client) -> None:
    kept = saved(responder)
    url = f"/handover/{kept.pk}/edit/"
    episode_row("JustBegan")
    sent(responder, html_of(responder, url), "save", url, text="a word more")
    assert opened(kept) == 0

    until = (database_now() + timedelta(minutes=1)).replace(tzinfo=None)
    asked = {"from": f"{kept.from_at:%Y-%m-%dT%H:%M}", "until": f"{until:%Y-%m-%dT%H:%M}"}
    inserted = sent(responder, html_of(responder, url), "insert", url, **asked).content.decode()
    assert "`JustBegan`" in written(inserted)
    assert "a word more" in written(inserted)
    sent(responder, inserted, "save", url, **asked)
    assert opened(kept) == 1
    assert Handover.objects.get().until_at > kept.until_at


def opened(kept: Handover) -> int:
    """How much was open, as the facts that are kept tell."""
    facts = Handover.objects.get(pk=kept.pk).facts_kept
    assert facts
    return facts.open


def test_it_is_taken_along_as_markdown(responder: Client) -> None:
    html = html_of(responder, URL)
    kept = saved(responder, f"Mine\n\n{written(html)}")
    answer = responder.get(f"/handover/{kept.pk}/markdown/")
    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    name = f"handover-{kept.from_at:%Y%m%dT%H%MZ}-{kept.until_at:%Y%m%dT%H%MZ}.md"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    text = answer.content.decode()
    assert text.startswith("Mine\n\n## Handover: ")
    assert "<!--" not in text
    copied = re.search(r'data-copy="([^"]*)"', html_of(responder, f"/handover/{kept.pk}/"))
    assert copied
    assert markup.unescape(copied[1]) == text


def handover_row(at: datetime, **fields: Any) -> Handover:
    told = {"from_at": at - timedelta(hours=12), "until_at": at, "by": "remy", "at": at, "text": "all quiet\n"}
    return Handover.objects.create(**{**told, **fields})


def test_past_ones_are_listed_newest_first_and_found_by_their_text(viewer: Client) -> None:
    older = handover_row(ago(days=2), text="certificates of m01\n")
    newer = handover_row(ago(days=1), by="zoe", edited_by="remy", edited_at=ago(hours=3))
    html = html_of(viewer, PAST)
    assert html.index(f"/handover/{newer.pk}/") < html.index(f"/handover/{older.pk}/")
    assert "3 h ago, by remy" in text_of(html)
    found = html_of(viewer, f"{PAST}?q=M01+certificates")
    assert str(older.pk) in found
    assert str(newer.pk) not in found
    assert "No handover has this in its text" in told_by(viewer, f"{PAST}?q=nothing-like-it")


def test_none_yet_and_many_of_them(viewer: Client) -> None:
    assert "Nobody has saved a handover yet" in told_by(viewer, PAST)
    for days in range(60):
        handover_row(ago(days=days))
    assert "1 to 50 of 60" in told_by(viewer, PAST)
    assert "51 to 60 of 60" in told_by(viewer, f"{PAST}?page=2")


def test_hostile_texts_run_nowhere(responder: Client) -> None:
    episode_row(HOSTILE, fingerprint="00000000000000aa", cluster="", reason=HOSTILE)
    said_of_alert(Note, text=HOSTILE, title=HOSTILE)
    request_row(Action.SYNC, State.FAILED, outcome=HOSTILE, reason=RTL, name=HOSTILE, username=HOSTILE)
    kept = saved(responder, f"{html_of(responder, URL) and HOSTILE}\n\n[x](javascript:alert(1))\n\n{RTL}")
    for url in (URL, f"/handover/{kept.pk}/", f"/handover/{kept.pk}/edit/", PAST):
        html = html_of(responder, url)
        assert "<img src=x" not in html, url
        assert 'href="javascript' not in html, url
        assert "{{7919*7}}" in html or url == PAST, url
    page = html_of(responder, f"/handover/{kept.pk}/")
    assert "U+202E" in text_of(page)


def test_it_costs_the_same_number_of_queries_however_much_there_is(viewer: Client) -> None:
    freeze_row("cluster", "elsewhere")
    few = queries_of(viewer, URL)
    busy_shift()
    for number in range(30):
        episode_row(f"Alert{number}", cluster=M01)
        broken(f"app-{number}")
        silence_row(f"silence-{number}")
        request_row(Action.SYNC, State.SUCCEEDED, outcome="synced")
    assert queries_of(viewer, URL) == few == 23


def test_the_timeline_leads_here(viewer: Client) -> None:
    html = html_of(viewer, "/timeline/")
    assert f'<a href="{URL}">Handover</a>' in html
    assert 'aria-current="page">Timeline' in html_of(viewer, URL)
