"""What a form or an address asks for, read: which action, of which Application, how, and what the person saw of it."""

from __future__ import annotations

from urllib.parse import unquote
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpRequest, QueryDict

from apps.accounts.access import role_of
from apps.accounts.confirming import was_session_confirmed
from apps.accounts.sessions import signed_in_at
from apps.core.errors import RuleViolation
from apps.core.forms import form_id_told, uuid_told
from apps.core.text import clean
from apps.gitops.models import Application

from .case import Who
from .evidence import action_page, joined, subject_of
from .options import Options, Resource
from .preflight import Ask
from .states import Action

SEPARATOR = "|"
PARTS_OF_AN_APPLICATION, PARTS_OF_A_RESOURCE = 3, 4
MOST_RESOURCES = 500
LONGEST_DIGEST = 64
FLAGS = {"prune": "prune", "force": "force", "replace": "replace", "out_of_sync": "apply_out_of_sync_only"}
ON = "on"


def value_of(action: Action, application: Application, digest: str) -> str:
    """What the button of an action says: the action, the Application, and the digest of what is shown of it."""
    return SEPARATOR.join([action.value, subject_of(application), digest])


def resource_value(resource: Resource) -> str:
    """A resource in a form or an address."""
    return joined(SEPARATOR, (resource.group, resource.kind, resource.namespace, resource.name))


def address_of(action: Action, application: Application, options: Options | None = None) -> str:
    """The page that shows what speaks against an action, and asks how it is to be done, before anything is sent."""
    chosen = options or Options()
    flags = [(name, ON) for name, field in FLAGS.items() if getattr(chosen, field)]
    resources = [("resource", resource_value(each)) for each in chosen.resources]
    return action_page(action, application, [*flags, *resources])


def action_told(word: str) -> Action:
    """The action of that name. Raises RuleViolation where there is none."""
    if word not in Action.values:
        raise RuleViolation("There is no such action")
    return Action(word)


def application_told(subject: str) -> Application:
    """The Application that `subject_of` names. Raises RuleViolation where it is not there (any more)."""
    parts = [unquote(part) for part in subject.split("/")]
    if len(parts) != PARTS_OF_AN_APPLICATION:
        raise RuleViolation("The form names no Application")
    instance, namespace, name = parts
    found = Application.objects.filter(instance=instance, namespace=namespace, name=name).first()
    if found is None:
        raise RuleViolation(f"There is no Application {clean(name, 253)} any more")
    return found


def options_told(told: QueryDict) -> Options:
    """How it is to be done, as the fields of a form or address say. Raises RuleViolation for what is no resource."""
    named = told.getlist("resource")
    if len(named) > MOST_RESOURCES:
        raise RuleViolation(f"No more than {MOST_RESOURCES} resources at once")
    flags = {field: told.get(name) == ON for name, field in FLAGS.items()}
    return Options(**flags, resources=tuple(sorted({resource_told(each) for each in named})))


def resource_told(value: str) -> Resource:
    """The resource that `resource_value` names. Raises RuleViolation for anything else."""
    parts = [clean(unquote(part), 253) for part in value.split(SEPARATOR)]
    if len(parts) != PARTS_OF_A_RESOURCE:
        raise RuleViolation("The form names no resource")
    return Resource(*parts)


def who_asks(request: HttpRequest) -> Who:
    """The person of a request that the sign-in let through."""
    user = request.user
    if not isinstance(user, User):
        raise RuleViolation("Nobody is signed in")
    return Who(
        user=user,
        role=role_of(user),
        session=request.session.session_key or "",
        address=clean(request.META.get("REMOTE_ADDR", ""), 100),
        signed_in_at=signed_in_at(request.session),
        is_confirmed=was_session_confirmed(request),
    )


def ask_posted(request: HttpRequest) -> Ask:
    """What a button, or the form of the preflight's page, asks for. Raises RuleViolation for what cannot be read.

    A confirmation holds for what was shown with it: not when other options were chosen since.
    """
    told = request.POST
    action, subject, digest, *_ = [*told.get("do", "").split(SEPARATOR), "", ""]
    options = options_told(told)
    return Ask(
        request_id=request_id_told(told),
        action=action_told(action),
        application=application_told(subject),
        options=options,
        who=who_asks(request),
        digest=clean(digest, LONGEST_DIGEST),
        reason=text_told(told, "reason", 500),
        ticket=text_told(told, "ticket", 100),
        typed_name=text_told(told, "typed_name", 253),
        is_confirmed=told.get("shown", "") == shown_with(options),
    )


def shown_with(options: Options) -> str:
    """The options as the page that asks for a confirmation names them: what was chosen when it was made; never ""."""
    flags = [name for name, field in FLAGS.items() if getattr(options, field)]
    return SEPARATOR.join(["shown", *flags, *map(resource_value, options.resources)])


def text_told(told: QueryDict, name: str, limit: int) -> str:
    """What was typed, without white space around it."""
    return clean(told.get(name, "").strip()[:limit])


def request_id_told(told: QueryDict, *parts: str) -> UUID:
    """The request's id: the preflight's page names it; a page with many buttons names itself, and each button with
    what it says (or with `parts`) is a request. Sent twice it is the same. Raises RuleViolation without either."""
    if named := told.get("id", ""):
        return uuid_told(named)
    said = SEPARATOR.join(parts) if parts else told.get("do", "") + shown_with(options_told(told))
    return form_id_told(told, said)
