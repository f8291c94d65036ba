"""What the Matrix channel remembers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('matrix_account',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('secret', sa.LargeBinary(), nullable=False),
    sa.Column('since', sa.LargeBinary(), nullable=True),
    sa.Column('starts', NUMBER, nullable=False),
    sa.Column('desk', sa.LargeBinary(), nullable=True),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_matrix_account')),
    sa.UniqueConstraint('contact_point', 'account', name=op.f('uq_matrix_account_contact_point_account'))
    )
    op.create_table('matrix_key',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('name_key', sa.String(), nullable=False),
    sa.Column('value', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_matrix_key')),
    sa.UniqueConstraint('contact_point', 'account', 'kind', 'name_key', name=op.f('uq_matrix_key_contact_point_account_kind_name_key'))
    )
    op.create_index(op.f('ix_matrix_key_at'), 'matrix_key', ['at'], unique=False)
    op.create_table('matrix_room',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('room_key', sa.String(), nullable=False),
    sa.Column('value', sa.LargeBinary(), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_matrix_room')),
    sa.UniqueConstraint('contact_point', 'account', 'room_key', name=op.f('uq_matrix_room_contact_point_account_room_key'))
    )
    op.create_table('matrix_waiting',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('event_key', sa.String(), nullable=False),
    sa.Column('value', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_matrix_waiting')),
    sa.UniqueConstraint('contact_point', 'account', 'event_key', name=op.f('uq_matrix_waiting_contact_point_account_event_key'))
    )
    op.create_index(op.f('ix_matrix_waiting_at'), 'matrix_waiting', ['at'], unique=False)
    op.create_table('matrix_thread',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('room_key', sa.String(), nullable=False),
    sa.Column('root_key', sa.String(), nullable=False),
    sa.Column('root', sa.LargeBinary(), nullable=False),
    sa.Column('ref', sa.String(), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_matrix_thread')),
    sa.UniqueConstraint('contact_point', 'room_key', 'root_key', name=op.f('uq_matrix_thread_contact_point_room_key_root_key'))
    )
    op.create_index(op.f('ix_matrix_thread_ref'), 'matrix_thread', ['ref'], unique=False)
    op.create_table('matrix_post',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('room_key', sa.String(), nullable=False),
    sa.Column('event_key', sa.String(), nullable=False),
    sa.Column('event', sa.LargeBinary(), nullable=False),
    sa.Column('last_key', sa.String(), nullable=False),
    sa.Column('last', sa.LargeBinary(), nullable=False),
    sa.Column('ref', sa.String(), nullable=False),
    sa.Column('signs', sa.LargeBinary(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_matrix_post')),
    sa.UniqueConstraint('contact_point', 'room_key', 'event_key', name=op.f('uq_matrix_post_contact_point_room_key_event_key'))
    )
    op.create_index(op.f('ix_matrix_post_last_key'), 'matrix_post', ['last_key'], unique=False)
    op.create_index(op.f('ix_matrix_post_ref'), 'matrix_post', ['ref'], unique=False)
    op.create_index(op.f('ix_matrix_post_at'), 'matrix_post', ['at'], unique=False)
    op.create_table('matrix_staff',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('user_key', sa.String(), nullable=False),
    sa.Column('name', sa.LargeBinary(), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_matrix_staff')),
    sa.UniqueConstraint('contact_point', 'user_key', name=op.f('uq_matrix_staff_contact_point_user_key'))
    )
    for table in (
        'matrix_account', 'matrix_key', 'matrix_room', 'matrix_waiting', 'matrix_thread', 'matrix_post', 'matrix_staff'
    ):
        op.create_index(op.f(f'ix_{table}_contact_point'), table, ['contact_point'], unique=False)
