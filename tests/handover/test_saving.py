"""Saving handovers: who may, twice the same, two at once."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.accounts.models import Role
from apps.core.errors import RuleViolation
from apps.handover.models import EARLIER_KEPT, LONGEST_BYTES, EarlierText, Handover
from apps.handover.services import HandoverMoved, handover_save
from apps.timeline.changes import words_of
from apps.timeline.models import Transition
from tests.handover.shift import SHIFT, at, facts, trouble
from tests.notes.people import person
from tests.pages import html_of

pytestmark = [pytest.mark.django_db, pytest.mark.database]
FACTS = facts(troubles=[trouble(at("09:00")), trouble(at("10:00"), at("10:30"), subject="appsre/bb")])


@pytest.fixture
def remy() -> User:
    return person("remy")


def begun(who: User, text: str = "all quiet", pk: UUID | None = None) -> Handover:
    return handover_save(who=who, pk=pk or uuid4(), revision=0, text=text, facts=FACTS)


def test_it_is_kept_with_its_facts_and_is_a_line_of_the_timeline(remy: User) -> None:
    kept = begun(remy)
    row = Handover.objects.get()
    assert (row.by, row.text, row.revision, row.window) == ("remy", "all quiet\n", 1, SHIFT)
    assert row.facts_kept == FACTS
    line = Transition.objects.get()
    assert (line.kind, line.title, line.by, line.link) == ("portal", "Handover", "remy", f"/handover/{kept.pk}/")
    assert words_of(line) == "saved: 24 Nov 2026, 08:00 to 20:00 UTC"


def test_sent_twice_it_is_saved_once(remy: User) -> None:
    once = uuid4()
    assert begun(remy, pk=once).pk == begun(remy, pk=once).pk
    assert (Handover.objects.count(), Transition.objects.count(), Handover.objects.get().revision) == (1, 1, 1)


def test_a_change_is_saved_with_who_made_it(remy: User) -> None:
    kept = begun(remy)
    zoe = person("zoe")
    for _ in range(2):
        handover_save(who=zoe, pk=kept.pk, revision=1, text="all quiet now\r\n")
    row = Handover.objects.get()
    assert (row.text, row.revision, row.by, row.edited_by) == ("all quiet now\n", 2, "remy", "zoe")
    assert row.facts_kept == FACTS


def test_what_somebody_else_had_written_is_kept_and_the_change_is_a_line(remy: User) -> None:
    kept, zoe = begun(remy), person("zoe")
    for number, (who, text) in enumerate([(remy, "mine"), (zoe, "hers"), (zoe, "hers again"), (remy, "mine again")]):
        handover_save(who=who, pk=kept.pk, revision=number + 1, text=text)
    told = EarlierText.objects.order_by("revision").values_list("revision", "by", "text")
    assert list(told) == [(2, "remy", "mine\n"), (4, "zoe", "hers again\n")]
    lines = Transition.objects.order_by("pk")
    assert [(line.by, words_of(line).partition(":")[0]) for line in lines] == [
        ("remy", "saved"),
        ("zoe", "changed"),
        ("remy", "changed"),
    ]


def test_only_the_last_earlier_texts_are_kept(remy: User) -> None:
    kept, zoe = begun(remy), person("zoe")
    for number in range(EARLIER_KEPT + 3):
        handover_save(who=(zoe, remy)[number % 2], pk=kept.pk, revision=number + 1, text=f"text {number}")
    revisions = EarlierText.objects.order_by("revision").values_list("revision", flat=True)
    assert list(revisions) == list(range(4, EARLIER_KEPT + 4))


def test_its_page_shows_what_was_written_before_as_text(viewer: Client, remy: User) -> None:
    kept = begun(remy, text="<b>first</b>")
    handover_save(who=person("zoe"), pk=kept.pk, revision=1, text="second")
    html = html_of(viewer, kept.get_absolute_url())
    assert "Before others changed it" in html
    assert "&lt;b&gt;first&lt;/b&gt;" in html


def test_facts_that_were_inserted_again_take_the_place_of_those_that_are_kept(remy: User) -> None:
    kept = begun(remy)
    handover_save(who=remy, pk=kept.pk, revision=1, text="all quiet", facts=facts())
    assert Handover.objects.get().facts_kept == facts()


def test_two_people_do_not_overwrite_each_other(remy: User) -> None:
    kept, zoe = begun(remy), person("zoe")
    handover_save(who=zoe, pk=kept.pk, revision=1, text="zoe's")
    with pytest.raises(HandoverMoved, match="zoe saved it while you wrote") as moved:
        handover_save(who=remy, pk=kept.pk, revision=1, text="remy's")
    assert moved.value.theirs.text == "zoe's\n"
    assert Handover.objects.get().text == "zoe's\n"

    handover_save(who=remy, pk=kept.pk, revision=moved.value.theirs.revision, text="both")
    assert (Handover.objects.get().text, Handover.objects.get().revision) == ("both\n", 3)


def test_a_new_one_of_a_form_that_was_saved_already_overwrites_nothing_either(remy: User) -> None:
    kept = begun(remy)
    with pytest.raises(HandoverMoved):
        begun(remy, "another text", pk=kept.pk)
    assert Handover.objects.get().text == "all quiet\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" \r\n ", "nothing in the handover"),
        ("x" * LONGEST_BYTES, "at most 100 kB, and it has 100.0"),
        ("ž" * (LONGEST_BYTES // 2), "at most 100 kB"),
    ],
)
def test_nothing_and_too_much_are_refused_in_words(remy: User, text: str, words: str) -> None:
    with pytest.raises(RuleViolation, match=words):
        begun(remy, text)
    assert not Handover.objects.exists()


def test_as_much_as_may_be_is_saved_whole(remy: User) -> None:
    text = "x" * (LONGEST_BYTES - 1)
    assert begun(remy, text).text == f"{text}\n"


def test_a_viewer_may_not_and_a_responder_of_anywhere_may() -> None:
    with pytest.raises(RuleViolation, match="Your role is viewer: a responder may do this"):
        begun(person("vera", Role.VIEWER))
    assert begun(person("eli", environments=["staging"])).by == "eli"


def test_one_that_is_not_there_is_not_changed(remy: User) -> None:
    with pytest.raises(RuleViolation, match="no such handover"):
        handover_save(who=remy, pk=uuid4(), revision=3, text="x")


def test_facts_of_another_kind_are_told_as_not_there(remy: User) -> None:
    kept = begun(remy)
    Handover.objects.filter(pk=kept.pk).update(facts={"from_at": 3})
    assert Handover.objects.get().facts_kept is None
