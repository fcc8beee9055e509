"""Buttons of actions, for the pages of every feature: they belong to the form `act` of the person who looks."""

from __future__ import annotations

from urllib.parse import urlsplit

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.actions.asking import address_of, value_of
from apps.actions.choosing import choices_address
from apps.actions.digests import digest_of_row
from apps.actions.options import Options
from apps.actions.states import Action
from apps.core.templatetags.portal import plain
from apps.gitops.models import Application

register = template.Library()
IN_A_ROW = "copy"
NOTHING = mark_safe("")
AS_IT_IS = Options()


@register.simple_tag(takes_context=True)
def act_button(
    context: template.Context, word: str, application: Application, look: str = "button", address: str = ""
) -> SafeString:
    """The button of the action of that name, about what the page shows of the Application; "" for who may not act.

    `look` is its class, `address` where the key r leads.
    """
    if not rights(context).get("act"):
        return NOTHING
    action = Action(word)
    return format_html(
        '<button form="act" class="{}"{} name="do" value="{}" aria-label="{} {}">{}</button>',
        look,
        format_html(' data-resync="{}"', address) if address else "",
        value_of(action, application, digest_of_row(application, AS_IT_IS)),
        action.label,
        plain(application.name),
        action.label,
    )


@register.simple_tag(takes_context=True)
def resync_button(context: template.Context, application: Application, look: str = IN_A_ROW) -> SafeString:
    """The button that resyncs, and the address for the key r, which shows what speaks against it and never acts.

    In a row (`copy`) a link to all other actions follows.
    """
    button = act_button(context, Action.SYNC, application, look, address_of(Action.SYNC, application))
    return button + more_link(application) if button and look == IN_A_ROW else button


@register.simple_tag(takes_context=True)
def more_button(context: template.Context, application: Application) -> SafeString:
    """The way to all actions of what stands in a list of its own; "" for who may not act."""
    return more_link(application) if rights(context).get("act") else NOTHING


def more_link(application: Application) -> SafeString:
    """The way from a row to the page with every action of its Application."""
    return format_html(
        ' <a class="copy" href="{}" title="More actions" aria-label="More actions: {}">…</a>',
        choices_address(application),
        plain(application.name),
    )


@register.simple_tag
def act_address(word: str, application: Application) -> str:
    """The page that shows what speaks against the action of that name, before anything is sent."""
    return address_of(Action(word), application)


@register.simple_tag
def bulk_address(listed: str) -> str:
    """The page that resyncs all that the list at that address shows."""
    return f"{reverse('actions:bulk-new')}?{urlsplit(listed).query}"


def rights(context: template.Context) -> dict[str, bool]:
    """What the role of who looks may do at all, as the frame knows it."""
    found: dict[str, bool] = context.get("rights") or {}
    return found
