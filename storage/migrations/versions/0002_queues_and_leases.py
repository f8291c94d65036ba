"""Queues that several processes share, and the leases by which they know of each other"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # No table is written anew: SQLite would forget which ids it has given away.
    op.create_table(
        "lease",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("epoch", NUMBER, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("session", sa.String(), nullable=False),
        sa.Column("written", NUMBER, nullable=False),
        sa.Column("data_key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.add_column("conversation", sa.Column("via", sa.String(), nullable=True))

    op.drop_index("ix_inbox_chat_key_state", "inbox")
    op.drop_index("ix_inbox_contact_point", "inbox")
    op.drop_index("ix_inbox_waiting", "inbox")
    op.drop_column("inbox", "not_before")
    op.add_column("inbox", sa.Column("via", sa.String(), nullable=True))
    op.create_index("ix_inbox_chat_key", "inbox", ["chat_key", "id"])
    _partial_index("ix_inbox_waiting", "inbox", ["id"], "done_at IS NULL")
    _partial_index("ix_inbox_waiting_in_chat", "inbox", ["chat_key", "id"], "done_at IS NULL")
    _partial_index("ix_inbox_failed", "inbox", ["id"], "state = 'FAILED'")

    op.drop_index("ix_outbox_chat_key_state", "outbox")
    op.drop_index("ix_outbox_contact_point", "outbox")
    op.drop_index("ix_outbox_waiting", "outbox")
    op.alter_column("outbox", "sent_at", new_column_name="settled_at")
    op.execute("UPDATE outbox SET settled_at = queued_at WHERE settled_at IS NULL AND state <> 'QUEUED'")
    op.add_column("outbox", sa.Column("cause", NUMBER, nullable=True))
    op.add_column("outbox", sa.Column("doubts", NUMBER, nullable=False, server_default="0"))
    op.add_column("outbox", sa.Column("sender", sa.String(), nullable=True))
    op.add_column("outbox", sa.Column("via", sa.String(), nullable=True))
    _partial_index("ix_outbox_waiting", "outbox", ["account", "id"], "settled_at IS NULL")
    _partial_index("ix_outbox_waiting_in_chat", "outbox", ["chat_key", "id"], "settled_at IS NULL")
    _partial_index("ix_outbox_dead", "outbox", ["id"], "state = 'DEAD'")


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    raise NotImplementedError("Restore the copy from before the upgrade.")
