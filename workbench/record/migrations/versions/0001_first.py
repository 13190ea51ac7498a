"""Incidents, timeline entries, actions, noted snapshots, and the history with its head."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def _saved() -> list[sa.Column[object]]:
    return [
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("updated_by", sa.String(200), nullable=False),
    ]


def upgrade() -> None:
    """Make the tables and the one row of the head."""
    op.create_table(
        "incident",
        sa.Column("id", sa.String(80), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("severity", sa.String(8), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("detected_at", _TIME, nullable=True),
        sa.Column("acknowledged_at", _TIME, nullable=True),
        sa.Column("mitigated_at", _TIME, nullable=True),
        sa.Column("resolved_at", _TIME, nullable=True),
        sa.Column("impact_summary", sa.Text(), nullable=False),
        sa.Column("affected_tenants", sa.BigInteger(), nullable=True),
        sa.Column("slos_breached", sa.JSON(), nullable=False),
        sa.Column("customer_visible", sa.Boolean(), nullable=True),
        sa.Column("example", sa.Boolean(), nullable=False),
        *_saved(),
        sa.PrimaryKeyConstraint("id", name="pk_incident"),
    )
    op.create_table(
        "timeline_entry",
        sa.Column("id", sa.String(80), nullable=False),
        sa.Column("incident_id", sa.String(80), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("until", _TIME, nullable=True),
        sa.Column("uncertainty_s", sa.Integer(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("entry_kind", sa.String(32), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("example", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        *_saved(),
        sa.PrimaryKeyConstraint("id", name="pk_timeline_entry"),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name="fk_timeline_entry_incident_id"),
    )
    op.create_index("ix_timeline_entry_incident_id", "timeline_entry", ["incident_id"])
    op.create_table(
        "action",
        sa.Column("id", sa.String(80), nullable=False),
        sa.Column("incident_id", sa.String(80), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("action_kind", sa.String(32), nullable=False),
        sa.Column("factor", sa.Text(), nullable=False),
        sa.Column("success_metric", sa.Text(), nullable=False),
        sa.Column("rationale", sa.Text(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("example", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        *_saved(),
        sa.PrimaryKeyConstraint("id", name="pk_action"),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name="fk_action_incident_id"),
    )
    op.create_index("ix_action_incident_id", "action", ["incident_id"])
    op.create_table(
        "snapshot",
        sa.Column("incident_id", sa.String(80), nullable=False),
        sa.Column("version", sa.String(200), nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "version", name="pk_snapshot"),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name="fk_snapshot_incident_id"),
    )
    op.create_table(
        "history",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("object_id", sa.String(281), nullable=False),
        sa.Column("incident_id", sa.String(80), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_history"),
    )
    op.create_index("ix_history_incident_id", "history", ["incident_id"])
    op.create_index("ix_history_kind_object_id", "history", ["kind", "object_id"])
    head = op.create_table(
        "history_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_history_head"),
    )
    op.bulk_insert(head, [{"id": 1, "count": 0, "hash": "0" * 64}])


def downgrade() -> None:
    """Take everything away; only tests do."""
    for table in ("history_head", "history", "snapshot", "action", "timeline_entry", "incident"):
        op.drop_table(table)
