"""Alembic's entry point: runs each step in its own transaction, on the connection of `chalicelib.database.migrate`."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    on_version_apply=context.config.attributes["on_version_apply"],
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
