"""What was erased, what remains as statistics, and what the daily deletion looks for"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('erasure',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_erasure')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_erasure_contact_point'), 'erasure', ['contact_point'], unique=False)
    op.create_table('statistic',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('month', sa.String(), nullable=False),
    sa.Column('place', sa.String(), nullable=True),
    sa.Column('urgency', sa.String(), nullable=False),
    sa.Column('setting', sa.String(), nullable=True),
    sa.Column('parties', sa.String(), nullable=True),
    sa.Column('wish', sa.String(), nullable=True),
    sa.Column('result', sa.String(), nullable=True),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_statistic'))
    )
    op.create_index(op.f('ix_statistic_contact_point'), 'statistic', ['contact_point'], unique=False)
    op.create_index('ix_statistic_contact_point_month', 'statistic', ['contact_point', 'month'], unique=False)
    op.add_column('web_message', sa.Column('thread_key', sa.String(), nullable=True))
    op.create_index(op.f('ix_web_message_thread_key'), 'web_message', ['thread_key'], unique=False)
    op.create_index('ix_thread_contact_point_created_at', 'thread', ['contact_point', 'created_at'], unique=False)
    op.create_index(op.f('ix_consent_thread_id'), 'consent', ['thread_id'], unique=False)
    op.create_index(op.f('ix_source_link_thread_id'), 'source_link', ['thread_id'], unique=False)
    op.create_index('ix_outbox_conversation_id', 'outbox', ['conversation_id'], unique=False)
    for table, column in (
        ('conversation', 'thread_id'),
        ('thread', 'card_outbox_id'),
        ('thread_entry', 'outbox_id'),
        ('thread_entry', 'status_outbox_id'),
    ):
        some = sa.text(f'{column} IS NOT NULL')
        op.create_index(
            f'ix_{table}_{column}', table, [column], unique=False, sqlite_where=some, postgresql_where=some
        )
