"""The intervention pool: profiles, requests, offers (R-50 to R-57)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('pool_profile',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('number', sa.String(), nullable=False),
    sa.Column('details', sa.LargeBinary(), nullable=True),
    sa.Column('mark', sa.String(), nullable=False),
    sa.Column('account_id', NUMBER, nullable=True),
    sa.Column('offers', NUMBER, nullable=False),
    sa.Column('last_asked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('unanswered', NUMBER, nullable=False),
    sa.Column('left_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['user_account.id'], name=op.f('fk_pool_profile_account_id_user_account'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pool_profile')),
    sa.UniqueConstraint('account_id', name=op.f('uq_pool_profile_account_id')),
    sa.UniqueConstraint('contact_point', 'number', name=op.f('uq_pool_profile_contact_point_number'))
    )
    op.create_table('expert_request',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('thread_id', NUMBER, nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('details', sa.LargeBinary(), nullable=True),
    sa.Column('batch', NUMBER, nullable=False),
    sa.Column('batches_before', NUMBER, nullable=False),
    sa.Column('batch_size', NUMBER, nullable=False),
    sa.Column('answer_minutes', NUMBER, nullable=False),
    sa.Column('answer_days', NUMBER, nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('offer_id', NUMBER, nullable=True),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('hours', NUMBER, nullable=True),
    sa.Column('feedback', sa.LargeBinary(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['thread_id'], ['thread.id'], name=op.f('fk_expert_request_thread_id_thread'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_expert_request')),
    sa.UniqueConstraint('thread_id', name=op.f('uq_expert_request_thread_id'))
    )
    running = sa.text("ended_at IS NULL")
    op.create_index('ix_expert_request_open', 'expert_request', ['contact_point', 'id'], unique=False, sqlite_where=running, postgresql_where=running)
    op.create_table('offer',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('request_id', NUMBER, nullable=False),
    sa.Column('profile_id', NUMBER, nullable=False),
    sa.Column('batch', NUMBER, nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['profile_id'], ['pool_profile.id'], name=op.f('fk_offer_profile_id_pool_profile'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['request_id'], ['expert_request.id'], name=op.f('fk_offer_request_id_expert_request'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_offer')),
    sa.UniqueConstraint('request_id', 'profile_id', 'batch', name=op.f('uq_offer_request_id_profile_id_batch'))
    )
    open_ = sa.text("state IN ('OPEN', 'ACCEPTED')")
    op.create_index('ix_offer_open', 'offer', ['profile_id'], unique=False, sqlite_where=open_, postgresql_where=open_)
    op.add_column('invitation', sa.Column('profile', sa.String(), nullable=True))
    for table in ('pool_profile', 'expert_request', 'offer'):
        op.create_index(op.f(f'ix_{table}_contact_point'), table, ['contact_point'], unique=False)
