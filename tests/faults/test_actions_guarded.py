"""What changed since a person asked counts at the moment of sending (faults.md, F41 to F46)."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from apps.accounts.models import Person as Account
from apps.accounts.models import Role
from apps.actions.freezes import freeze_begin
from apps.actions.models import ActionRequest
from apps.actions.options import Options, Resource
from apps.actions.sending import request_send
from apps.actions.services import request_approve, request_submit
from apps.actions.settling import requests_look_after
from apps.actions.states import Action, State
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.gitops.models import Application
from tests.faults.acting import SERVER, Person, Scene, states_of
from tests.faults.stage import Stage

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

NEW_REVISION = "b" * 40


@pytest.fixture
def scene(stage: Stage) -> Scene:
    return Scene(stage)


@pytest.fixture
def rhea(stage: Stage) -> Person:
    return Person("rhea")


def wants_a_second_person(scene: Scene) -> None:
    """The fleet file asks for an approver for everything."""
    scene.stage.put(policies=[{"name": "two-of-us", "second_person": True}])


def waiting(scene: Scene, person: Person) -> ActionRequest:
    """A request that waits for its approver."""
    wants_a_second_person(scene)
    request = scene.submitted(person)
    assert request.state == State.WAITING
    return request


def sent_after_approval(scene: Scene, request: ActionRequest) -> ActionRequest:
    assert request_approve(request=request, who=Person("ada", Role.APPROVER).who)
    request_send(request.pk)
    return scene.now(request)


def test_f41_an_application_that_is_gone_between_form_and_sending_is_not_synced(scene: Scene, rhea: Person) -> None:
    request = scene.submitted(rhea)
    world = scene.stage.demo.world
    scene.stage.demo.call(lambda: world.argocds["staging"].removed(world.application("staging", scene.name)))
    request_send(request.pk)
    refused = scene.now(request)
    assert refused.state == State.REFUSED
    assert "deleted or moved" in refused.outcome
    assert scene.posts() == []


def test_f41_an_application_that_the_portal_lost_sight_of_is_not_synced(scene: Scene, rhea: Person) -> None:
    request = scene.submitted(rhea)
    Application.objects.filter(name=scene.name).delete()
    request_send(request.pk)
    refused = scene.now(request)
    assert (refused.state, refused.outcome) == (State.REFUSED, "The application is not there any more")
    assert scene.posts() == []


def test_f41_a_revision_that_moved_before_sending_is_a_new_question(scene: Scene, rhea: Person) -> None:
    request = scene.submitted(rhea)
    scene.there(revision=NEW_REVISION)
    request_send(request.pk)
    refused = scene.now(request)
    assert (refused.state, refused.outcome) == (State.REFUSED, "Changed since it was asked for: revision")
    assert scene.posts() == []


def test_f41_a_form_made_before_the_revision_moved_is_shown_again(scene: Scene, rhea: Person) -> None:
    shown = scene.submitted(rhea)
    ActionRequest.objects.filter(pk=shown.pk).update(state=State.WITHDRAWN)
    scene.there(revision=NEW_REVISION)
    done = request_submit(scene.ask(rhea, digest=shown.digest))
    assert done.request is None
    assert done.preflight
    assert done.preflight.changed == ["revision"]


@pytest.mark.parametrize("loss", ["role", "scope", "account"])
def test_f42_who_lost_role_scope_or_account_before_sending_does_not_act_and_that_is_audited(
    scene: Scene, rhea: Person, loss: str
) -> None:
    request = scene.submitted(rhea)
    account = Account.objects.filter(user=rhea.user)
    if loss == "role":
        account.update(role=Role.VIEWER)
    elif loss == "scope":
        account.update(scope={"environments": ["production"]})
    else:
        rhea.user.is_active = False
        rhea.user.save()
    request_send(request.pk)
    refused = scene.now(request)
    assert refused.state == State.REFUSED
    assert refused.outcome
    assert states_of(request) == ["requested", "refused"]
    assert scene.posts() == []


def test_f42_what_another_approved_is_not_sent_after_the_requester_signed_out(scene: Scene, rhea: Person) -> None:
    request = waiting(scene, rhea)
    rhea.client.logout()
    refused = sent_after_approval(scene, request)
    assert refused.state == State.REFUSED
    assert "signed out" in refused.outcome
    assert scene.posts() == []


def test_f43_a_freeze_that_began_while_it_waited_for_approval_holds_it(scene: Scene, rhea: Person) -> None:
    request = waiting(scene, rhea)
    freeze_begin(
        who=Person("fay", Role.ADMIN).who,
        scope="everything",
        value="",
        reason="incident",
        ends_at=database_now() + timedelta(hours=1),
        request_id=uuid.uuid4(),
    )
    refused = sent_after_approval(scene, request)
    assert refused.state == State.REFUSED
    assert "frozen" in refused.outcome.lower()
    assert any(each["guard"] == "freeze" and each["answer"] == "refuse" for each in refused.guards)
    assert scene.posts() == []


def test_f44_a_closed_window_is_told_in_argocds_own_words_and_is_no_missing_right(
    scene: Scene, rhea: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It closes between the guards' look and the call."""
    from apps.actions import sending

    begins = sending._sending_begins

    def and_then_closed(*given: object) -> bool:
        world = scene.stage.demo.world
        there = world.application("staging", scene.name)
        scene.stage.demo.call(lambda: world.application_change(there, project="frozen"))
        ActionRequest.objects.update(project="frozen")
        request = given[0]
        request.project = "frozen"  # type: ignore[attr-defined]
        return begins(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(sending, "_sending_begins", and_then_closed)
    request = scene.sent(rhea)
    assert request.state == State.REFUSED
    assert "cannot sync: blocked by sync window" in request.outcome
    assert "cannot sync: blocked by sync window" in request.answer
    assert "permission" not in request.outcome


def test_f44_a_right_that_is_missing_is_told_as_one(scene: Scene, rhea: Person) -> None:
    scene.stage.demo.fault(SERVER, "403", path=f"/api/v1/applications/{scene.name}/sync")
    request = scene.sent(rhea)
    assert request.state == State.REFUSED
    assert request.outcome == "The portal's account at Argo CD may not do this"
    assert "permission denied" in request.answer


def test_f45_prune_in_production_wants_the_applications_own_name_typed(stage: Stage, rhea: Person) -> None:
    scene = Scene(stage, "production")
    scene.there(has_legacy=True)
    options = Options(prune=True)
    done = request_submit(scene.ask(rhea, options=options, typed_name="another-application"))
    assert done.request is None
    assert done.preflight
    assert done.preflight.missing == ["the Application's name, typed"]
    doomed = next(each for each in done.preflight.findings if each.guard == "prune")
    assert "legacy" in doomed.words, "what goes is named"
    request = scene.sent(rhea, options=options)
    assert request.state == State.ACCEPTED
    assert scene.posts()[0]["prune"] is True


def test_f45_what_prune_would_delete_may_not_grow_before_sending(scene: Scene, rhea: Person) -> None:
    request = scene.submitted(rhea, options=Options(prune=True))
    scene.there(has_legacy=True)
    request_send(request.pk)
    refused = scene.now(request)
    assert refused.state == State.REFUSED
    assert "what prune would delete" in refused.outcome


def test_f46_nobody_approves_what_they_asked_for(scene: Scene) -> None:
    ada = Person("ada", Role.APPROVER)
    request = waiting(scene, ada)
    with pytest.raises(RuleViolation, match="second person"):
        request_approve(request=request, who=ada.who)
    assert scene.now(request).state == State.WAITING


def test_f46_an_approval_that_comes_too_late_or_twice_changes_nothing(scene: Scene, rhea: Person) -> None:
    request, who = waiting(scene, rhea), Person("ada", Role.APPROVER).who
    requests_look_after()
    assert scene.now(request).state == State.WAITING
    scene.passes(request, 7200)
    ActionRequest.objects.filter(pk=request.pk).update(looked_at=None)
    requests_look_after()
    expired = scene.now(request)
    assert (expired.state, expired.outcome) == (State.EXPIRED, "Nobody approved it within 60 min")
    assert not request_approve(request=scene.now(request), who=who)
    request_send(request.pk)
    assert scene.posts() == []


def test_f46_one_approval_is_good_for_one_call(scene: Scene, rhea: Person) -> None:
    request = waiting(scene, rhea)
    approved = sent_after_approval(scene, request)
    assert approved.state == State.ACCEPTED, approved.outcome
    assert approved.approver == "ada"
    assert not request_approve(request=approved, who=Person("bea", Role.APPROVER).who)
    request_send(request.pk)
    assert len(scene.posts()) == 1
    infos = {each["name"]: each["value"] for each in scene.posts()[0]["infos"]}
    assert (infos["requested-by"], infos["approved-by"]) == ("rhea", "ada")


def test_options_keep_the_applications_own(scene: Scene, rhea: Person) -> None:
    """Decision 15: the request's sync options stand in the place of the Application's own."""
    resource = Resource("", "ConfigMap", "a", "b")
    options = Options(replace=True, apply_out_of_sync_only=True, resources=(resource,))
    scene.sent(rhea, options=options)
    (body,) = scene.posts()
    items = body["syncOptions"]["items"]
    assert items[-2:] == ["Replace=true", "ApplyOutOfSyncOnly=true"]
    assert "CreateNamespace=true" in items
    assert body["resources"] == [{"group": "", "kind": "ConfigMap", "namespace": "a", "name": "b"}]


def test_without_options_the_applications_own_are_left_to_argocd(scene: Scene, rhea: Person) -> None:
    scene.sent(rhea, Action.DRY_RUN)
    (body,) = scene.posts()
    assert "syncOptions" not in body
    assert body["dryRun"] is True
