"""Members of staff have one name at the desk, whichever messenger they write in, and are told whose devices get nothing"""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

from storage.types import ring_of

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    made = op.create_table('desk_staff',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('messenger', sa.String(), nullable=False),
    sa.Column('user_key', sa.String(), nullable=False),
    sa.Column('name', sa.LargeBinary(), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_desk_staff')),
    sa.UniqueConstraint('contact_point', 'user_key', name=op.f('uq_desk_staff_contact_point_user_key'))
    )
    op.create_index(op.f('ix_desk_staff_contact_point'), 'desk_staff', ['contact_point'], unique=False)
    connection = op.get_bind()
    taken = set()
    for messenger in ('telegram', 'matrix'):
        table = f'{messenger}_staff'
        rows = connection.execute(sa.text(f'SELECT user_key, name, contact_point FROM {table} ORDER BY id')).all()
        for row in rows:
            name = ring_of(connection.dialect).decrypt(bytes(row.name), f'{table}.name'.encode())
            shown = unicodedata.normalize('NFKC', name.decode('utf-8', 'surrogatepass')).casefold()
            alike = ''.join(each for each in shown if unicodedata.category(each) != 'Cf')
            # Whoever has the name of somebody else gets a new one when they next write.
            if (row.contact_point, messenger, alike) not in taken:
                taken.add((row.contact_point, messenger, alike))
                kept = ring_of(connection.dialect).encrypt(name, b'desk_staff.name')
                values = {'messenger': messenger, 'user_key': row.user_key, 'name': kept}
                connection.execute(made.insert(), {**values, 'contact_point': row.contact_point})
        op.drop_table(table)
    op.add_column('matrix_account', sa.Column('named_key', sa.String(), nullable=True))
