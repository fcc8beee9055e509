"""Matchers on the labels of episodes, met in the database without a row being loaded."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.db.models import CharField, F, Func, Q, Value
from django.db.models.lookups import Exact, In

from apps.core.matchers import LabelMatcher
from apps.core.structs import converted
from apps.integrations.alertmanager.values import Matcher

from .models import EpisodeQuerySet, Silence

PLAIN_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
FEW = 2000
OPERATORS = {(False, True): "=", (False, False): "!=", (True, True): "=~", (True, False): "!~"}
"""By whether it is a regular expression, and whether it is to be met."""
ONE_PLACE = "COALESCE(json_extract({}, %s), '')"
EACH_LABEL = "COALESCE((SELECT value FROM json_each({}) WHERE key = %s), '')"


class LabelValue(Func):
    """The value of one label of an episode, "" where it has no such label.

    Django's own `labels__name` takes a name of digits for a place in a list, and puts others into a path of JSON, where
    SQLite finds neither quotes nor letters that are not ASCII.
    """

    output_field = CharField()
    template = "COALESCE(jsonb_extract_path_text(%(expressions)s::text), '')"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(F("labels"), Value(name))

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """SQLite's: a path where the name is sure to be one, else each label looked at."""
        labels, parameters = compiler.compile(self.get_source_expressions()[0])
        if PLAIN_NAME.fullmatch(self.name):
            return ONE_PLACE.format(labels), (*parameters, f'$."{self.name}"')
        return EACH_LABEL.format(labels), (*parameters, self.name)


def condition_of(matchers: Iterable[LabelMatcher], among: EpisodeQuerySet) -> Q:
    """That labels meet every matcher, for episodes that are all in `among`.

    Only RE2 can say which values a pattern fits: for each there is one query, for the values of those that meet the
    matchers before it. Where few episodes are left they are named by their keys, found in one query more, so that
    labels are not read again in every query of the page.
    """
    wanted = sorted(matchers, key=lambda matcher: matcher.is_regex)
    condition = Q()
    for matcher in wanted:
        met = _pattern_met(matcher, among.filter(condition)) if matcher.is_regex else _value_met(matcher)
        condition &= met
    return _by_key(condition, among) if wanted else condition


def matchers_of(silence: Silence) -> tuple[LabelMatcher, ...]:
    """The matchers of a silence's row."""
    told = converted(silence.matchers, tuple[Matcher, ...])
    return tuple(LabelMatcher(each.name, OPERATORS[each.is_regex, each.is_equal], each.value) for each in told)


def _by_key(condition: Q, among: EpisodeQuerySet) -> Q:
    keys = list(among.filter(condition).order_by().values_list("pk", flat=True)[: FEW + 1])
    return Q(pk__in=keys) if len(keys) <= FEW else condition


def _value_met(matcher: LabelMatcher) -> Q:
    is_it = Q(Exact(LabelValue(matcher.name), matcher.value))
    return ~is_it if matcher.is_negative else is_it


def _pattern_met(matcher: LabelMatcher, among: EpisodeQuerySet) -> Q:
    fitting: list[str] = []
    others: list[str] = []
    for value in among.order_by().values_list(LabelValue(matcher.name), flat=True).distinct():
        (fitting if matcher.fits(value) else others).append(value)
    if not others:
        return Q()
    if fitting and len(others) < len(fitting):
        return ~Q(In(LabelValue(matcher.name), others))
    return Q(In(LabelValue(matcher.name), fitting)) if fitting else Q(pk__in=[])
