"""No index over contact points alone: it led SQLite to read all of one"""

from __future__ import annotations

from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

TABLES = (
    'conversation', 'due', 'thread', 'web_message', 'consent', 'contact_link', 'report', 'source_link',
    'thread_entry', 'erasure', 'statistic',
)


def upgrade() -> None:
    for table in TABLES:
        op.drop_index(op.f(f'ix_{table}_contact_point'), table)
