"""Where an instance says `act_as: person`, Argo CD is asked in the person's own name, and never in the portal's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import SignIn
from apps.accounts.tokens import sealed
from apps.actions.looking import live_look
from apps.actions.models import ActionRequest
from apps.actions.preflight import preflight
from apps.actions.sending import request_send
from apps.actions.states import Action, State
from apps.core.clock import database_now
from apps.sources.fleetfile.current import fleet_file_in_force
from tests.faults.acting import SERVER, Person, Scene
from tests.faults.stage import Stage

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
NOBODY_LISTENS = {"issuer": "http://127.0.0.1:9/realms/x", "client_id": "portal"}


@pytest.fixture
def scene(stage: Stage) -> Scene:
    """Staging asks in people's names; the identity provider does not answer."""
    argocd = [
        {**each, "act_as": "person" if each["name"] == "staging" else "robot"} for each in stage.document["argocd"]
    ]
    stage.put(argocd=argocd, sso=NOBODY_LISTENS, access=[{"group": "hybrid-sre", "role": "responder"}])
    return Scene(stage)


def signed_in(stage: Stage, name: str, *, token_of: str, minutes: float = 5) -> Person:
    """Somebody whose session has this ID token, good for so long."""
    person = Person(name)
    SignIn.objects.update_or_create(
        session_key=person.client.session.session_key,
        defaults={
            "user": person.user,
            "kind": SignIn.Kind.SSO,
            "id_token": sealed(stage.demo.tokens[SERVER, token_of]),
            "id_token_expires_at": database_now() + timedelta(minutes=minutes),
            "refreshed_at": database_now(),
            "began_at": database_now(),
        },
    )
    return person


def starters(scene: Scene) -> list[str]:
    """Who began the operations that Argo CD had of it."""
    there = scene.stage.demo.call(scene._there)
    begun = [there.operation, there.state.operation if there.state else None]
    return [operation.username for operation in begun if operation and operation.username]


def test_argocd_names_the_person_who_began_it(stage: Stage, scene: Scene) -> None:
    remy = signed_in(stage, "remy", token_of="remy@example.com")
    request = scene.sent(remy)
    assert request.state in {State.ACCEPTED, State.RUNNING, State.SUCCEEDED}
    assert "remy@example.com" in starters(scene)


def test_what_argocd_does_not_allow_the_person_is_refused_though_the_portal_may(stage: Stage, scene: Scene) -> None:
    vera = signed_in(stage, "vivian", token_of="vera@example.com")
    found = preflight(scene.ask(vera))
    assert found.is_refused
    assert "does not allow it to vivian, in whose own name it is asked" in " ".join(
        each.words for each in found.refusals
    )


def test_a_token_that_ran_out_is_never_replaced_by_the_portals(stage: Stage, scene: Scene) -> None:
    remy = signed_in(stage, "remy", token_of="remy@example.com")
    request = scene.submitted(remy)
    SignIn.objects.update(id_token_expires_at=database_now() + timedelta(seconds=20))
    request_send(request.pk)
    now = scene.now(request)
    assert (now.state, scene.posts()) == (State.REFUSED, [])
    assert "in your own name" in now.outcome
    assert "sign in again" in now.outcome


def test_no_look_is_in_a_persons_name_without_their_session(stage: Stage, scene: Scene) -> None:
    assert live_look(fleet_file_in_force(), scene.row, Action.SYNC).nameless


def test_who_was_not_signed_in_by_the_provider_is_asked_to_and_nothing_is_sent(stage: Stage, scene: Scene) -> None:
    found = preflight(scene.ask(Person("local")))
    assert [each.guard for each in found.refusals] == ["argocd-right"]
    assert "in your own name" in found.refusals[0].words
    assert not scene.posts()


def test_a_sign_in_that_argocd_does_not_take_is_said(stage: Stage, scene: Scene) -> None:
    remy = signed_in(stage, "remy", token_of="remy@example.com")
    request = scene.submitted(remy)
    SignIn.objects.update(id_token=sealed("a token of another provider"))
    request_send(request.pk)
    now = ActionRequest.objects.get(pk=request.pk)
    assert now.state == State.REFUSED
    assert "does not take the sign-in of remy" in now.outcome
    assert not starters(scene)
