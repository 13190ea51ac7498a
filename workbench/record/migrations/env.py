"""How Alembic meets the record: over the connection it is handed, in the transaction that is open there."""

from alembic import context
from sqlalchemy import Connection

from workbench.record.tables import Base


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_as_batch=True,  # SQLite can't alter most of a table in place; others are altered as usual
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


handed = context.config.attributes["connection"]
if isinstance(handed, Connection):
    _migrate(handed)
else:
    with handed.connect() as connection:
        _migrate(connection)
