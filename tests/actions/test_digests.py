"""What a person saw is bound to what they send: digests of a row and of Argo CD's answer (decision 16)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from apps.actions.digests import PARTS, digest_of_detail, digest_of_row, parts_changed
from apps.actions.options import Options
from apps.core.clock import database_now
from apps.gitops.merging import Surroundings, row_take
from apps.gitops.models import Application
from apps.gitops.models import ApplicationDetail as DetailRow
from apps.integrations.argocd import ApplicationDetail, Operation, wire
from tests.actions.cases import prunable, told
from tests.integrations.recordings import ROOT, Recording, names_in
from tests.rows import ago, application_row

pytestmark = pytest.mark.django_db

PLAIN, PRUNE = Options(), Options(prune=True)
FOLDER = "argocd/3.6"


def of_one_application(name: str) -> bool:
    content = Recording(f"{FOLDER}/{name}").content["response"].get("json")
    return isinstance(content, dict) and "metadata" in content and "spec" in content


RECORDED = [name for name in names_in(FOLDER) if of_one_application(name)]


def recorded(name: str) -> ApplicationDetail:
    """A recorded Application, as the client makes it of the answer."""
    content = Recording(f"{FOLDER}/{name}").content["response"]["json"]
    return wire.application_detail(msgspec.convert(content, wire.WireApplication))


def row_of(detail: ApplicationDetail) -> Application:
    """The row that the collectors make of the same Application."""
    around = Surroundings(
        instance="production",
        now=database_now(),
        projects={},
        drift_tolerance=timedelta(days=7),
        destinations=NoDestinations(),  # type: ignore[arg-type]
    )
    row = Application(instance="production")
    row_take(row, detail.application, around)
    row.save()
    row.refresh_from_db()
    return row


class NoDestinations:
    """A fleet without clusters."""

    def cluster_of(self, *, server: str, name: str) -> str:
        return ""

    def environment_of(self, cluster: str) -> str:
        return ""


def kept(row: Application, detail: ApplicationDetail) -> DetailRow:
    """The details' row that a worker makes of the same answer."""
    plain = msgspec.to_builtins(detail)
    return DetailRow(application=row, read_at=database_now() + timedelta(seconds=1), data=plain)


def test_there_are_recordings_of_many_applications() -> None:
    assert ROOT.exists()
    assert len(RECORDED) > 15


@pytest.mark.parametrize("options", [PLAIN, PRUNE], ids=["plain", "prune"])
@pytest.mark.parametrize("name", RECORDED)
def test_a_row_and_argo_cds_answer_agree_where_they_say_the_same(name: str, options: Options) -> None:
    detail = recorded(name)
    row = row_of(detail)
    of_row, of_detail = digest_of_row(row, options, kept(row, detail)), digest_of_detail(detail, options, "production")
    assert of_row == of_detail
    assert len(of_row) <= 64


def live_digest(options: Options = PLAIN, **changes: Any) -> str:
    return digest_of_detail(ApplicationDetail(told(**changes)), options, "production")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"repo_url": "https://elsewhere"}, "source"),
        ({"path": "components/other"}, "source"),
        ({"target_revision": "v2"}, "source"),
        ({"destination_server": "https://other"}, "destination"),
        ({"destination_namespace": "other"}, "destination"),
        ({"sync_revision": "b" * 40}, "revision"),
        ({"sync_revision": ""}, "revision"),
    ],
)
def test_what_differs_is_named(changes: dict[str, Any], part: str) -> None:
    row = application_row()
    assert parts_changed(digest_of_row(row, PLAIN), live_digest()) == []
    assert parts_changed(digest_of_row(row, PLAIN), live_digest(**changes)) == [part]


def test_an_operation_that_began_meanwhile_is_named_and_its_progress_is_not() -> None:
    began = ago(minutes=1)
    running = live_digest(operation=Operation("Running", started_at=began))
    ended = live_digest(operation=Operation("Succeeded", started_at=began, finished_at=ago(seconds=1), retry_count=3))
    assert parts_changed(live_digest(), running) == ["operation"]
    assert running == ended


def test_state_that_every_reconcile_changes_is_no_part() -> None:
    assert live_digest() == live_digest(health_status="Degraded", sync_status="OutOfSync", health_message="x")


def test_a_new_life_under_the_same_name_is_named_and_a_uid_that_is_not_known_is_no_difference() -> None:
    assert parts_changed(live_digest(uid="one"), live_digest(uid="two")) == [PARTS[0]]
    assert not parts_changed(live_digest(uid=""), live_digest(uid="two"))
    assert not parts_changed(live_digest(uid="one"), live_digest(uid=""))


def test_what_prune_would_delete_counts_only_with_prune() -> None:
    two = ApplicationDetail(told(), resources=(prunable("old"), prunable("older")))
    one = ApplicationDetail(told(), resources=(prunable("old"),))
    none = ApplicationDetail(told(), resources=(prunable("job", hook=True),))
    of_two, of_one, of_none = (digest_of_detail(detail, PRUNE, "production") for detail in (two, one, none))
    assert parts_changed(of_two, of_one) == ["what prune would delete"]
    assert parts_changed(live_digest(), of_one) == ["what prune would delete"]
    assert parts_changed(live_digest(), of_none) == []
    assert digest_of_detail(two, PLAIN, "production") == digest_of_detail(one, PLAIN, "production")


def test_a_list_that_is_not_known_is_not_an_empty_one() -> None:
    row = application_row()
    assert parts_changed(digest_of_row(row, PRUNE), live_digest(PRUNE)) == ["what prune would delete"]


def test_the_digest_of_another_application_or_of_no_digest_at_all_differs_in_everything_that_is_told() -> None:
    mine, other = live_digest(), live_digest(name="other")
    assert parts_changed(mine, other) == ["source", "destination", "revision"]
    elsewhere = digest_of_detail(ApplicationDetail(told()), PLAIN, "staging")
    assert parts_changed(mine, elsewhere) == ["source", "destination", "revision"]
    assert parts_changed("made up", mine) == list(PARTS)


def test_with_several_sources_the_revision_of_each_counts_where_both_sides_know_them() -> None:
    def of(*revisions: str) -> str:
        detail = ApplicationDetail(told(source_count=2, sync_revision=revisions[0], sync_revisions=revisions))
        return digest_of_detail(detail, PLAIN, "production")

    before = of("a", "b")
    assert len(before) <= 64
    assert parts_changed(before, of("a", "b")) == []
    assert parts_changed(before, of("a", "c")) == ["revision"]
    assert parts_changed(before, of("c", "b")) == ["revision"]
    row = row_of(ApplicationDetail(told(source_count=2, sync_revision="a", sync_revisions=("a", "b"))))
    assert parts_changed(digest_of_row(row, PLAIN), of("a", "c")) == []
    assert parts_changed(digest_of_row(row, PLAIN), of("d", "b")) == ["revision"]
