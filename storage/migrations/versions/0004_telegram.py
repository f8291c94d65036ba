"""What the Telegram channel remembers, and a broadcast waits behind what somebody waits for"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('telegram_desk',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('chat', sa.LargeBinary(), nullable=True),
    sa.Column('topics', sa.Boolean(), nullable=False),
    sa.Column('code_key', sa.String(), nullable=True),
    sa.Column('code_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telegram_desk')),
    sa.UniqueConstraint('contact_point', 'account', name=op.f('uq_telegram_desk_contact_point_account'))
    )
    op.create_table('telegram_topic',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('chat_key', sa.String(), nullable=False),
    sa.Column('ref', sa.String(), nullable=False),
    sa.Column('topic', NUMBER, nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telegram_topic')),
    sa.UniqueConstraint('contact_point', 'chat_key', 'topic', name=op.f('uq_telegram_topic_contact_point_chat_key_topic'))
    )
    op.create_index(op.f('ix_telegram_topic_ref'), 'telegram_topic', ['ref'], unique=False)
    op.create_table('telegram_post',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('chat_key', sa.String(), nullable=False),
    sa.Column('message', NUMBER, nullable=False),
    sa.Column('last', NUMBER, nullable=False),
    sa.Column('ref', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telegram_post')),
    sa.UniqueConstraint('contact_point', 'chat_key', 'message', name=op.f('uq_telegram_post_contact_point_chat_key_message'))
    )
    op.create_index(op.f('ix_telegram_post_ref'), 'telegram_post', ['ref'], unique=False)
    op.create_index(op.f('ix_telegram_post_at'), 'telegram_post', ['at'], unique=False)
    op.create_table('telegram_staff',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('user_key', sa.String(), nullable=False),
    sa.Column('name', sa.LargeBinary(), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telegram_staff')),
    sa.UniqueConstraint('contact_point', 'user_key', name=op.f('uq_telegram_staff_contact_point_user_key'))
    )
    op.add_column('outbox', sa.Column('broadcast', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('outbox', sa.Column('interrupted', NUMBER, nullable=False, server_default='0'))
    op.drop_index('ix_outbox_waiting', 'outbox')
    op.create_index(
        'ix_outbox_waiting', 'outbox', ['account', 'broadcast', 'id'],
        sqlite_where=sa.text('settled_at IS NULL'), postgresql_where=sa.text('settled_at IS NULL'),
    )
    for table in ('telegram_desk', 'telegram_topic', 'telegram_post', 'telegram_staff'):
        op.create_index(op.f(f'ix_{table}_contact_point'), table, ['contact_point'], unique=False)
