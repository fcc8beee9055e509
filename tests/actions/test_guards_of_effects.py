"""The guards that say what it does, and what is known of it, each with every answer that it can give."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.actions.case import Answer, Bulk, Live, Rules
from apps.actions.digests import digest_of_detail, digest_of_row
from apps.actions.options import Options, Resource
from apps.actions.states import Action, State
from apps.core.clock import database_now
from apps.fleet.overlay import overlay_now
from apps.gitops.models import ApplicationDetail, ClusterConnection
from tests.actions.cases import case_for, live, look, prunable, request_row, running
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import ago, application_row, cluster_row, source_row

pytestmark = pytest.mark.django_db

PRUNE = Options(prune=True)
CONFIG_MAP = Resource("", "ConfigMap", "backup", "old")


# self-heal


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"auto_sync": False}, "auto-sync is off"),
        ({}, "auto-sync is on without self-heal"),
        ({"self_heal": True}, "Argo CD repeats this by itself"),
        ({"self_heal": True, "sync_status": "OutOfSync", "sync_since": "now"}, "Argo CD repeats this by itself"),
    ],
)
def test_what_argo_cd_does_by_itself_is_said(columns: dict[str, Any], words: str) -> None:
    if columns.get("sync_since"):
        columns = {**columns, "sync_since": database_now()}
    found = look("self-heal", case_for(application=application_row(**columns)))
    assert found.answer == Answer.PASS
    assert words in found.words


def test_it_warns_where_self_heal_makes_a_resync_pointless() -> None:
    row = application_row(self_heal=True, sync_status="OutOfSync", sync_since=ago(hours=3))
    found = look("self-heal", case_for(application=row))
    assert found.answer == Answer.WARN
    assert found.words.startswith("OutOfSync for 3 h although self-heal is on")
    chosen = Options(resources=(CONFIG_MAP,))
    assert look("self-heal", case_for(options=chosen, application=row, live=live(self_heal=True))).answer == Answer.WARN
    assert look("self-heal", case_for(application=row, live=live(self_heal=True))).answer == Answer.PASS


# unreachable-cluster


def test_a_cluster_against_which_nothing_is_known_passes() -> None:
    ClusterConnection.objects.create(instance="production", server="s", cluster="stone-prd-m01", status="Successful")
    ClusterConnection.objects.create(instance="other", server="s", cluster="stone-prd-m01", status="Failed")
    assert look("unreachable-cluster", case_for()).answer == Answer.PASS


def test_a_lost_cluster_is_to_be_confirmed() -> None:
    source_row("kubernetes/stone-prd-m01")
    cluster_row(lost_since=ago(hours=1))
    found = look("unreachable-cluster", case_for(overlay=overlay_now()))
    assert found.answer == Answer.CONFIRM
    assert found.words.startswith("stone-prd-m01 is lost since ")


@pytest.mark.parametrize("known_as", [{"cluster": "stone-prd-m01"}, {"name": "by-name"}])
def test_a_connection_of_argo_cd_that_failed_is_to_be_confirmed(known_as: dict[str, str]) -> None:
    ClusterConnection.objects.create(
        instance="production", server="https://x", status="Failed", status_since=ago(minutes=4), message="no route",
        **known_as,
    )  # fmt: skip
    row = application_row(destination="by-name", cluster="" if "name" in known_as else "stone-prd-m01")
    found = look("unreachable-cluster", case_for(application=row))
    assert found.answer == Answer.CONFIRM
    assert "for 4 m: no route" in found.words


# prune


def test_without_prune_nothing_is_deleted() -> None:
    assert look("prune", case_for(live=live(prunable("old")))).answer == Answer.PASS


def test_prune_lists_exactly_what_it_deletes() -> None:
    found = look(
        "prune", case_for(options=PRUNE, live=live(prunable("old"), prunable("older"), prunable("job", hook=True)))
    )
    assert found.answer == Answer.CONFIRM
    assert found.words == "prune deletes 2 resources: ConfigMap backup/old, ConfigMap backup/older"


def test_prune_of_chosen_resources_lists_those_alone() -> None:
    options = Options(prune=True, resources=(CONFIG_MAP,))
    found = look("prune", case_for(options=options, live=live(prunable("old"), prunable("older"))))
    assert found.words == "prune deletes 1 resource: ConfigMap backup/old"


def test_prune_with_nothing_to_delete_passes() -> None:
    assert look("prune", case_for(options=PRUNE, live=live())).answer == Answer.PASS


def test_prune_is_refused_where_it_is_not_known_what_it_deletes_whatever_the_policy_says() -> None:
    loose = Rules(policy="loose", guards={"prune": Answer.PASS})
    assert look("prune", case_for(options=PRUNE, rules=loose)).answer == Answer.REFUSE


KEPT = {"group": "", "version": "v1", "kind": "ConfigMap", "namespace": "backup", "name": "old", "status": "OutOfSync"}


@pytest.mark.parametrize(
    ("read", "told_more", "columns", "answer"),
    [
        ({"minutes": 1}, {}, {}, Answer.CONFIRM),
        ({"minutes": 11}, {}, {}, Answer.REFUSE),
        ({"minutes": 1}, {"error": "denied"}, {}, Answer.REFUSE),
        ({"minutes": 2}, {}, {"revision_since": {"minutes": 1}}, Answer.REFUSE),
        ({"minutes": 1}, {"count": 900}, {}, Answer.REFUSE),
    ],
)
def test_without_argo_cds_word_the_details_tell_while_they_are_fresh(
    read: dict[str, float], told_more: dict[str, Any], columns: dict[str, dict[str, float]], answer: Answer
) -> None:
    row = application_row(**{name: ago(**since) for name, since in columns.items()})
    data = {"resources": [{**KEPT, "requires_pruning": True}], "resource_count": told_more.get("count", 1)}
    ApplicationDetail.objects.create(application=row, read_at=ago(**read), error=told_more.get("error", ""), data=data)
    assert look("prune", case_for(options=PRUNE, application=row)).answer == answer


# replace-force


def test_replace_and_force_are_to_be_confirmed() -> None:
    row = application_row()
    assert look("replace-force", case_for(application=row)).answer == Answer.PASS
    for options in (Options(force=True), Options(replace=True)):
        assert look("replace-force", case_for(application=row, options=options)).answer == Answer.CONFIRM


@pytest.mark.parametrize("own", ["Replace=true", "Force=true"])
def test_options_of_the_applications_own_that_replace_are_said_whatever_was_chosen(own: str) -> None:
    row = application_row()
    found = look("replace-force", case_for(application=row, live=live(sync_options=("CreateNamespace=true", own))))
    assert found.answer == Answer.WARN
    assert own in found.words
    harmless = live(sync_options=("Replace=false", "CreateNamespace=true"))
    assert look("replace-force", case_for(application=row, live=harmless)).answer == Answer.PASS


# dry-run


def test_a_dry_run_that_failed_at_this_revision_is_a_warning() -> None:
    row = application_row()
    failed = request_row(Action.DRY_RUN, State.FAILED, outcome="one object failed to apply")
    found = look("dry-run", case_for(application=row, dry_run=failed))
    assert found.answer == Answer.WARN
    assert found.words == "the dry run at this revision failed 10 s ago: one object failed to apply"
    moved_on = live(sync_revision="b" * 40)
    assert look("dry-run", case_for(application=row, dry_run=failed, live=moved_on)).answer == Answer.PASS


@pytest.mark.parametrize(
    "tried", [Options(prune=True), Options(force=True), Options(resources=(Resource("", "ConfigMap", "a", "b"),))]
)
def test_a_dry_run_of_something_else_says_nothing_of_this_one(tried: Options) -> None:
    row, failed = application_row(), request_row(Action.DRY_RUN, State.FAILED, options=tried.as_builtins())
    found = look("dry-run", case_for(application=row, dry_run=failed))
    assert (found.answer, "other options" in found.words) == (Answer.PASS, True)
    same = case_for(application=row, dry_run=failed, options=tried)
    assert look("dry-run", same).answer == Answer.WARN


def test_a_dry_run_that_went_well_and_none_at_all_pass() -> None:
    row = application_row()
    well = request_row(Action.DRY_RUN)
    found = look("dry-run", case_for(application=row, dry_run=well))
    assert (found.answer, found.link) == (Answer.PASS, well.get_absolute_url())
    assert look("dry-run", case_for(application=row)).answer == Answer.PASS


# order

FLEET = """
environments: [{name: staging}, {name: production, rings: [1, 0]}]
clusters:
  - {name: stg, role: member, environment: staging}
  - {name: inner, role: member, environment: production, ring: 1}
  - {name: outer, role: member, environment: production, ring: 0}
"""


@pytest.fixture
def fleet(tmp_path: Path, settings: Settings) -> None:
    """Staging before production; within it ring 1 before ring 0."""
    FleetFileOfTest(tmp_path, settings).put(FLEET)


def of_component(cluster: str, environment: str, **columns: Any) -> Any:
    return application_row(f"build-service-{cluster}", cluster=cluster, environment=environment, **columns)


@pytest.mark.usefixtures("fleet")
def test_production_alone_is_no_reason_to_speak() -> None:
    outer = of_component("outer", "production")
    assert look("order", case_for(application=outer)).words == "no other place comes before this one"
    of_component("stg", "staging")
    of_component("inner", "production")
    found = look("order", case_for(application=outer))
    assert (found.answer, found.words) == (Answer.PASS, "well in all 2 places where the change comes first")


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(("cluster", "environment"), [("stg", "staging"), ("inner", "production")])
def test_what_is_not_well_where_the_change_comes_first_is_named(cluster: str, environment: str) -> None:
    outer = of_component("outer", "production")
    of_component(cluster, environment, tone="warning", reason="Degraded")
    found = look("order", case_for(application=outer))
    assert found.answer == Answer.WARN
    assert f"build-service-{cluster} ({environment}): Degraded" in found.words
    assert found.link == f"/apps/production/argocd/build-service-{cluster}/"


@pytest.mark.usefixtures("fleet")
def test_what_comes_later_or_is_another_component_does_not_count() -> None:
    inner = of_component("inner", "production")
    of_component("outer", "production", tone="critical")
    application_row("other-stg", set_name="other", environment="staging", cluster="stg", tone="critical")
    assert look("order", case_for(application=inner)).answer == Answer.PASS


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("columns", "answer"),
    [
        ({"revision_since": {"hours": 5}}, Answer.WARN),
        ({"revision_since": {"hours": 1}}, Answer.PASS),
        ({"revision_since": {"hours": 5}, "target_revision": "staging"}, Answer.PASS),
    ],
)
def test_one_that_is_behind_on_the_same_branch_is_a_warning(columns: dict[str, Any], answer: Answer) -> None:
    outer = of_component("outer", "production")
    of_component(
        "stg", "staging", sync_revision="b" * 40, **{**columns, "revision_since": ago(**columns["revision_since"])}
    )
    assert look("order", case_for(application=outer)).answer == answer


# blast-radius


@pytest.mark.parametrize(
    ("bulk", "answer"),
    [
        (None, Answer.PASS),
        (Bulk(19, 2, 1), Answer.PASS),
        (Bulk(20, 1, 1), Answer.CONFIRM),
        (Bulk(3, 3, 2), Answer.CONFIRM),
        (Bulk(51, 1, 1), Answer.REFUSE),
    ],
)
def test_a_big_bulk_is_to_be_confirmed_and_one_beyond_the_policy_is_refused(bulk: Bulk | None, answer: Answer) -> None:
    assert look("blast-radius", case_for(bulk=bulk, rules=Rules(policy="p", most_in_bulk=50))).answer == answer


# cool-down


def test_a_sync_that_ended_just_now_is_a_warning_with_how_it_ended() -> None:
    row, last = application_row(), request_row(state=State.FAILED)
    found = look("cool-down", case_for(application=row, last=last))
    assert found.answer == Answer.WARN
    assert found.words == "the last sync by the portal ended 10 s ago: failed. Give it 30 s to take effect"
    short = Rules(policy="p", cool_down=timedelta(seconds=5))
    assert look("cool-down", case_for(application=row, last=last, rules=short)).answer == Answer.PASS
    assert look("cool-down", case_for(application=row)).answer == Answer.PASS


# changed


def test_what_changed_since_the_person_looked_is_named() -> None:
    row = application_row()
    shown, now = (
        digest_of_row(row, Options()),
        digest_of_detail(live(sync_revision="b" * 40).detail, Options(), "production"),
    )  # type: ignore[arg-type]
    found = look("changed", case_for(application=row, digest_shown=shown, digest=now))
    assert (found.answer, found.words) == (Answer.WARN, "changed since you looked: revision")
    assert look("changed", case_for(application=row, digest_shown=shown, digest=shown)).answer == Answer.PASS
    assert look("changed", case_for(application=row, digest=now)).answer == Answer.PASS


def test_terminating_is_about_the_operation_that_was_shown_alone() -> None:
    row = application_row()
    shown = digest_of_row(row, Options())
    moved = digest_of_detail(live(sync_revision="b" * 40).detail, Options(), "production")  # type: ignore[arg-type]
    begun = digest_of_detail(live(operation=running()).detail, Options(), "production")  # type: ignore[arg-type]
    case = {"application": row, "digest_shown": shown}
    assert look("changed", case_for(Action.TERMINATE, digest=moved, **case)).answer == Answer.PASS
    assert look("changed", case_for(Action.TERMINATE, digest=begun, **case)).words.endswith(": operation")


# not-checked


def test_what_could_not_be_checked_is_a_warning_line_by_line() -> None:
    row = application_row()
    found = look("not-checked", case_for(application=row, live=Live(problems=("the windows: late", "the right: late"))))
    assert (found.answer, found.words) == (Answer.WARN, "the windows: late; the right: late")
    strict = Rules(policy="production", guards={"not-checked": Answer.REFUSE})
    assert (
        look("not-checked", case_for(application=row, live=Live(problems=("x",)), rules=strict)).answer == Answer.REFUSE
    )
    assert look("not-checked", case_for(application=row, live=live())).answer == Answer.PASS
    assert look("not-checked", case_for(application=row)).answer == Answer.PASS


def test_what_argo_cd_has_not_any_more_is_refused() -> None:
    found = look("not-checked", case_for(live=Live(is_missing=True, problems=("not found",))))
    assert found.answer == Answer.REFUSE
    assert "deleted or moved" in found.words
