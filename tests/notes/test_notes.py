"""Notes: who may write one, what the timeline keeps, and how one is taken back."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.accounts.models import Role
from apps.core.errors import RuleViolation
from apps.core.topics import version_of
from apps.notes.models import Note, Subjects
from apps.notes.services import note_add, note_take_back
from apps.notes.things import thing_found
from apps.timeline.changes import words_of
from apps.timeline.models import Transition
from tests.notes.people import ALERT, alert_thing, person
from tests.rows import application_row, cluster_row

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def note_on(thing: object, who: object, text: str = "see **ITN-2026-00031**", **fields: object) -> Note:
    """A note of theirs."""
    return note_add(who=who, thing=thing, text=text, request_id=uuid4(), **fields)  # type: ignore[arg-type]


def test_a_note_is_kept_with_who_wrote_it_and_is_a_line_of_the_timeline() -> None:
    before = version_of(["notes"])
    note = note_on(alert_thing(), person())

    assert (note.kind, note.subject, note.by, note.environment) == ("alert", ALERT, "remy", "production")
    line = Transition.objects.get(field="note")
    assert (line.kind, line.subject, line.by, line.cluster) == ("alert", ALERT, "remy", "stone-prd-m01")
    assert words_of(line) == "note: see **ITN-2026-00031**"
    assert line.link == f"/alerts/{ALERT}/#note-{note.pk}"
    assert version_of(["notes"]) == before + 1


def test_applications_and_clusters_have_notes_too() -> None:
    who = person()
    application, cluster = application_row(), cluster_row()
    note_on(thing_found(Subjects.APPLICATION, str(application)), who)
    note_on(thing_found(Subjects.CLUSTER, cluster.name), who)

    assert list(Note.objects.order_by("kind").values_list("kind", "subject", "project")) == [
        ("application", "production/argocd/build-service-stone-prd-m01", "default"),
        ("cluster", "stone-prd-m01", ""),
    ]
    links = [line.link.partition("#")[0] for line in Transition.objects.order_by("kind")]
    assert links == ["/apps/production/argocd/build-service-stone-prd-m01/", "/clusters/stone-prd-m01/"]


def test_sent_twice_it_is_one_note() -> None:
    thing, who, once = alert_thing(), person(), uuid4()
    for _ in range(2):
        note_add(who=who, thing=thing, text="once", request_id=once)

    assert Note.objects.count() == Transition.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "words"), [("  \n ", "nothing in the note"), ("x" * 4001, "at most 4,000 characters, and it has 4,001")]
)
def test_no_text_and_too_much_of_it_are_refused_in_words(text: str, words: str) -> None:
    thing, who = alert_thing(), person()
    with pytest.raises(RuleViolation, match=words):
        note_on(thing, who, text)
    assert not Note.objects.exists()


def test_a_viewer_and_a_responder_of_elsewhere_may_not() -> None:
    thing = alert_thing()
    with pytest.raises(RuleViolation, match="Your role is viewer: a responder may do this"):
        note_on(thing, person("vera", Role.VIEWER))
    with pytest.raises(RuleViolation, match="in production"):
        note_on(thing, person("eli", environments=["staging"]))
    assert not Note.objects.exists()


def test_the_project_of_an_alert_is_that_of_its_application() -> None:
    application = application_row(project="build")
    thing = alert_thing(application=str(application))
    note_on(thing, person("bea", projects=["build"]))

    with pytest.raises(RuleViolation, match="in the project build"):
        note_on(thing, person("eli", projects=["release"]))


def test_what_is_taken_back_is_not_shown_any_more_and_the_timeline_keeps_that_it_was_there() -> None:
    who = person()
    note = note_on(alert_thing(), who, "the password is swordfish")
    for _ in range(2):
        note_take_back(who=who, note=note)

    assert not Note.objects.current().exists()
    assert Note.objects.get().deleted_by == "remy"
    told = [words_of(line) for line in Transition.objects.order_by("pk")]
    assert told == ["a note, which was taken back", "took a note back"]


def test_only_who_wrote_it_takes_it_back() -> None:
    note = note_on(alert_thing(), person())
    with pytest.raises(RuleViolation, match="Only remy, who wrote it, may take it back"):
        note_take_back(who=person("ada", Role.ADMIN), note=note)
    assert Note.objects.current().exists()


def test_there_is_nothing_to_say_of_what_is_not_there() -> None:
    for kind, subject in (("alert", "appsre/none"), ("application", "a/b"), ("cluster", "none"), ("source", "x")):
        with pytest.raises(RuleViolation):
            thing_found(kind, subject)
