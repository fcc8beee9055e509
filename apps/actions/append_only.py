"""Tables whose rows the database itself lets nobody change, delete or replace, whoever asks (SQLite and PostgreSQL)."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

SQLITE_MAKE = (
    "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}"
    " BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}"
    " BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    # INSERT OR REPLACE deletes without a word to the trigger of deletes
    "CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}"
    " WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id OR hash = NEW.hash)"
    " BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
)
SQLITE_DROP = tuple(f"DROP TRIGGER IF EXISTS {{table}}_no_{what}" for what in ("update", "delete", "replace"))
POSTGRESQL_MAKE = (
    "CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$",
    "CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}"
    " FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only()",
    "CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()",
)
POSTGRESQL_DROP = (
    "DROP TRIGGER IF EXISTS {table}_no_change ON {table}",
    "DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}",
    "DROP FUNCTION IF EXISTS {table}_is_append_only()",
)
MAKE = {"sqlite": SQLITE_MAKE, "postgresql": POSTGRESQL_MAKE}
DROP = {"sqlite": SQLITE_DROP, "postgresql": POSTGRESQL_DROP}


def triggers_make(editor: BaseDatabaseSchemaEditor, table: str) -> None:
    """From now on the table's rows (which have `id` and a unique `hash`) stay as they are."""
    for statement in MAKE[editor.connection.vendor]:
        editor.execute(statement.format(table=table), params=None)


def triggers_drop(editor: BaseDatabaseSchemaEditor, table: str) -> None:
    """Takes the triggers away, if they are there."""
    for statement in DROP[editor.connection.vendor]:
        editor.execute(statement.format(table=table), params=None)


class AppendOnly(Operation):
    """Of a migration: the model's rows are from now on only ever added to.

    A later migration that makes SQLite copy the table (most changes of columns do) loses the triggers with the old
    table: repeat this operation after it.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Models know nothing of it."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Makes the triggers anew."""
        table = table_of(to_state.apps, app_label, self.model_name)
        triggers_drop(schema_editor, table)
        triggers_make(schema_editor, table)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Takes them away."""
        triggers_drop(schema_editor, table_of(from_state.apps, app_label, self.model_name))

    def describe(self) -> str:
        """One line for `migrate` and its plan."""
        return f"Let nobody change or delete rows of {self.model_name}"


def table_of(models: Apps, app_label: str, model_name: str) -> str:
    """The model's table at that state of the migrations."""
    table: str = models.get_model(app_label, model_name)._meta.db_table
    return table
