"""People get roles by one-time codes (D-05, F-14)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('user_account',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('conversation_id', NUMBER, nullable=False),
    sa.Column('name', sa.LargeBinary(), nullable=True),
    sa.Column('organisation', sa.LargeBinary(), nullable=True),
    sa.Column('away_from', sa.Date(), nullable=True),
    sa.Column('away_until', sa.Date(), nullable=True),
    sa.Column('deputy_id', NUMBER, nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_user_account_conversation_id_conversation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['deputy_id'], ['user_account.id'], name=op.f('fk_user_account_deputy_id_user_account'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user_account')),
    sa.UniqueConstraint('conversation_id', name=op.f('uq_user_account_conversation_id')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_user_account_deputy_id'), 'user_account', ['deputy_id'], unique=False)
    op.create_table('role_grant',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('account_id', NUMBER, nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('municipalities', sa.String(), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['user_account.id'], name=op.f('fk_role_grant_account_id_user_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_role_grant')),
    sa.UniqueConstraint('account_id', 'role', name=op.f('uq_role_grant_account_id_role'))
    )
    op.create_table('invitation',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('code_key', sa.String(), nullable=False),
    sa.Column('roles', sa.String(), nullable=False),
    sa.Column('organisation', sa.LargeBinary(), nullable=True),
    sa.Column('municipalities', sa.String(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invitation')),
    sa.UniqueConstraint('code_key', name=op.f('uq_invitation_code_key'))
    )
    op.create_index(op.f('ix_invitation_expires_at'), 'invitation', ['expires_at'], unique=False)
    for table in ('user_account', 'role_grant', 'invitation'):
        op.create_index(op.f(f'ix_{table}_contact_point'), table, ['contact_point'], unique=False)
