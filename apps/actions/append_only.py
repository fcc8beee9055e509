"""Tables whose rows the database itself lets nobody change, delete or replace, whoever asks (SQLite and PostgreSQL)."""

from __future__ import annotations

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

SQLITE_REFUSES = "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
SQLITE_TRIGGERS = {
    "no_update": "BEFORE UPDATE ON {table}",
    "no_delete": "BEFORE DELETE ON {table}",
    # INSERT OR REPLACE deletes without a word to the trigger of deletes
    "no_replace": "BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id OR hash = NEW.hash)",
}
POSTGRESQL_REFUSES = "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
POSTGRESQL_TRIGGERS = {
    "no_change": "BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW",
    "no_truncate": "BEFORE TRUNCATE ON {table} FOR EACH STATEMENT",
}


def statements_to_make(vendor: str) -> list[str]:
    """What makes the triggers on that kind of database; `{table}` stands for the table's name."""
    if vendor == "sqlite":
        triggers = SQLITE_TRIGGERS.items()
        return [f"CREATE TRIGGER {{table}}_{name} {when} {SQLITE_REFUSES}" for name, when in triggers]
    function = f"CREATE FUNCTION {{table}}_refuses() {POSTGRESQL_REFUSES}"
    triggers = POSTGRESQL_TRIGGERS.items()
    made = [f"CREATE TRIGGER {{table}}_{name} {when} EXECUTE FUNCTION {{table}}_refuses()" for name, when in triggers]
    return [function, *made]


def statements_to_drop(vendor: str) -> list[str]:
    """What takes the triggers away, where they are."""
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {{table}}_{name}" for name in SQLITE_TRIGGERS]
    dropped = [f"DROP TRIGGER IF EXISTS {{table}}_{name} ON {{table}}" for name in POSTGRESQL_TRIGGERS]
    return [*dropped, "DROP FUNCTION IF EXISTS {table}_refuses()"]


def triggers_make(editor: BaseDatabaseSchemaEditor, table: str) -> None:
    """From now on the table's rows (which have `id` and a unique `hash`) stay as they are."""
    for statement in statements_to_make(editor.connection.vendor):
        editor.execute(statement.format(table=table), params=None)


def triggers_drop(editor: BaseDatabaseSchemaEditor, table: str) -> None:
    """Rows may be changed again."""
    for statement in statements_to_drop(editor.connection.vendor):
        editor.execute(statement.format(table=table), params=None)


class AppendOnly(Operation):
    """Of a migration: the table's rows are from now on only ever added to.

    A later migration that makes SQLite copy the table (most changes of columns do) loses the triggers with the old
    table: repeat this operation after it.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, table: str) -> None:
        self.table = table

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Models know nothing of it."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Makes the triggers anew."""
        triggers_drop(schema_editor, self.table)
        triggers_make(schema_editor, self.table)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Takes them away."""
        triggers_drop(schema_editor, self.table)

    def describe(self) -> str:
        """One line for `migrate` and its plan."""
        return f"Let nobody change or delete rows of {self.table}"
