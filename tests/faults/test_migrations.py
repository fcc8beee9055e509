"""Migrations only add, so that the code of before can serve while they run and after (faults.md, F59)."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.fields import NOT_PROVIDED

from apps.actions.append_only import AppendOnly

ADDING = (migrations.CreateModel, migrations.AddIndex, migrations.RemoveIndex, migrations.RemoveConstraint, AppendOnly)
OURS = {config.label for config in apps.get_app_configs() if config.name.startswith("apps.")}


def is_harmless(operation: Operation, app: str, before: ProjectState) -> bool:
    """Whether code that does not know of it reads and writes on; what can only be judged by a person is not."""
    if isinstance(operation, migrations.AddField):
        return may_be_left_out(operation.field)
    if isinstance(operation, migrations.AlterField):
        model = before.models[app, operation.model_name.lower()]
        return is_wider(model.fields[operation.name], operation.field)
    return isinstance(operation, ADDING)


def may_be_left_out(field: models.Field[Any, Any]) -> bool:
    """Whether a row can be written without it: a default of Django's is unknown to older code, one of SQL is not."""
    return bool(field.null or field.many_to_many or field.db_default is not NOT_PROVIDED)


def is_wider(old: models.Field[Any, Any], new: models.Field[Any, Any]) -> bool:
    """The same kind of column that takes at least what it took."""
    longest_before, longest = getattr(old, "max_length", None), getattr(new, "max_length", None)
    is_longer = longest is None or (longest_before is not None and longest >= longest_before)
    return type(old) is type(new) and is_longer and (new.null or not old.null) and (old.unique or not new.unique)


def test_f59_migrations_after_the_first_only_add() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    found = []
    for app, name in sorted(loader.graph.nodes):
        migration = loader.graph.nodes[app, name]
        if app not in OURS or migration.initial:
            continue
        state = loader.project_state(sorted(each.key for each in loader.graph.node_map[app, name].parents), at_end=True)
        for operation in migration.operations:
            if not is_harmless(operation, app, state):
                found.append(f"{app} {name}: {operation.describe()}")
            operation.state_forwards(app, state)
    assert found == []


def test_f59_every_app_with_models_has_its_first_migration() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    with_models = {config.label for config in apps.get_app_configs() if config.label in OURS and config.models}
    first = {app for app, name in loader.graph.nodes if loader.graph.nodes[app, name].initial}
    assert with_models - first == set()


@pytest.mark.parametrize(
    ("operation", "is_fine"),
    [
        (migrations.AddField("source", "more", models.TextField(null=True)), True),
        (migrations.AddField("source", "more", models.TextField(db_default="")), True),
        (migrations.AddField("source", "more", models.TextField(default="")), False),
        (migrations.AlterField("source", "version", models.CharField(max_length=300)), True),
        (migrations.AlterField("source", "version", models.CharField(max_length=30)), False),
        (migrations.AlterField("source", "version", models.IntegerField()), False),
        (migrations.AlterField("source", "attempted_at", models.DateTimeField()), False),
        (migrations.AddIndex("source", models.Index(fields=["kind"], name="by_kind")), True),
        (migrations.RemoveField("source", "version"), False),
        (migrations.RenameField("source", "version", "release"), False),
        (migrations.RenameModel("Source", "Origin"), False),
        (migrations.DeleteModel("Source"), False),
        (migrations.AddConstraint("source", models.UniqueConstraint(fields=["title"], name="one_title")), False),
        (migrations.RunSQL("DROP TABLE sources_source"), False),
    ],
)
def test_f59_what_the_check_lets_pass(operation: Operation, is_fine: bool) -> None:
    state = MigrationLoader(None, ignore_no_migrations=True).project_state(("sources", "0001_initial"))
    assert is_harmless(operation, "sources", state) is is_fine
