"""Round tables: series, dates, who comes, topics, measures (R-60 to R-69)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('calendar_feed',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('conversation_id', NUMBER, nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_calendar_feed_conversation_id_conversation'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_feed')),
    sa.UniqueConstraint('conversation_id', name=op.f('uq_calendar_feed_conversation_id')),
    sa.UniqueConstraint('key', name=op.f('uq_calendar_feed_key'))
    )
    op.create_index(op.f('ix_calendar_feed_contact_point'), 'calendar_feed', ['contact_point'], unique=False)
    op.create_table('meeting',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('municipality', sa.String(), nullable=False),
    sa.Column('details', sa.LargeBinary(), nullable=True),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('zone', sa.String(), nullable=False),
    sa.Column('starts', sa.String(), nullable=False),
    sa.Column('minutes', NUMBER, nullable=False),
    sa.Column('left_out', sa.String(), nullable=False),
    sa.Column('avoid', sa.String(), nullable=False),
    sa.Column('roles', sa.String(), nullable=False),
    sa.Column('public', sa.Boolean(), nullable=False),
    sa.Column('seats', NUMBER, nullable=True),
    sa.Column('steps', sa.String(), nullable=False),
    sa.Column('topics_until', NUMBER, nullable=False),
    sa.Column('moderator_id', NUMBER, nullable=True),
    sa.Column('deputy_id', NUMBER, nullable=True),
    sa.Column('sequence', NUMBER, nullable=False),
    sa.Column('changed_sequence', NUMBER, nullable=False),
    sa.Column('laid_out_until', sa.Date(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['deputy_id'], ['user_account.id'], name=op.f('fk_meeting_deputy_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['moderator_id'], ['user_account.id'], name=op.f('fk_meeting_moderator_id_user_account'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_meeting')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_meeting_contact_point'), 'meeting', ['contact_point'], unique=False)
    op.create_index(op.f('ix_meeting_deputy_id'), 'meeting', ['deputy_id'], unique=False)
    op.create_index(op.f('ix_meeting_moderator_id'), 'meeting', ['moderator_id'], unique=False)
    op.create_table('meeting_date',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('meeting_id', NUMBER, nullable=False),
    sa.Column('original', sa.String(), nullable=False),
    sa.Column('local', sa.String(), nullable=False),
    sa.Column('minutes', NUMBER, nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('sequence', NUMBER, nullable=False),
    sa.Column('details', sa.LargeBinary(), nullable=True),
    sa.Column('dropped', NUMBER, nullable=False),
    sa.Column('agenda_sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('pulse_asked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('minutes_details', sa.LargeBinary(), nullable=True),
    sa.Column('minutes_version', NUMBER, nullable=False),
    sa.Column('minutes_sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('asked_after_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['meeting_id'], ['meeting.id'], name=op.f('fk_meeting_date_meeting_id_meeting'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_meeting_date')),
    sa.UniqueConstraint('meeting_id', 'original', name=op.f('uq_meeting_date_meeting_id_original')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_meeting_date_contact_point'), 'meeting_date', ['contact_point'], unique=False)
    op.create_index('ix_meeting_date_starts_at', 'meeting_date', ['contact_point', 'starts_at'], unique=False)
    op.create_table('agenda_topic',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('date_id', NUMBER, nullable=False),
    sa.Column('conversation_id', NUMBER, nullable=True),
    sa.Column('text', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('reason', sa.LargeBinary(), nullable=True),
    sa.Column('position', NUMBER, nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('carried_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_agenda_topic_conversation_id_conversation'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['date_id'], ['meeting_date.id'], name=op.f('fk_agenda_topic_date_id_meeting_date'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agenda_topic'))
    )
    op.create_index(op.f('ix_agenda_topic_contact_point'), 'agenda_topic', ['contact_point'], unique=False)
    op.create_index(op.f('ix_agenda_topic_conversation_id'), 'agenda_topic', ['conversation_id'], unique=False)
    op.create_index('ix_agenda_topic_date_id', 'agenda_topic', ['date_id'], unique=False)
    op.create_table('attendance',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('date_id', NUMBER, nullable=False),
    sa.Column('conversation_id', NUMBER, nullable=False),
    sa.Column('answer', sa.String(), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('told_start', sa.String(), nullable=True),
    sa.Column('remind_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('snoozed', sa.Boolean(), nullable=False),
    sa.Column('reminded_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('agenda_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('pulse_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('minutes_version', NUMBER, nullable=False),
    sa.Column('in_place_of', NUMBER, nullable=True),
    sa.Column('pulse', sa.LargeBinary(), nullable=True),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_attendance_conversation_id_conversation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['date_id'], ['meeting_date.id'], name=op.f('fk_attendance_date_id_meeting_date'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['in_place_of'], ['conversation.id'], name=op.f('fk_attendance_in_place_of_conversation'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attendance')),
    sa.UniqueConstraint('date_id', 'conversation_id', name=op.f('uq_attendance_date_id_conversation_id'))
    )
    op.create_index(op.f('ix_attendance_contact_point'), 'attendance', ['contact_point'], unique=False)
    op.create_index('ix_attendance_conversation_id', 'attendance', ['conversation_id'], unique=False)
    op.create_index(op.f('ix_attendance_in_place_of'), 'attendance', ['in_place_of'], unique=False)
    op.create_index('ix_attendance_remind_at', 'attendance', ['date_id', 'remind_at'], unique=False, sqlite_where=sa.text('remind_at IS NOT NULL'), postgresql_where=sa.text('remind_at IS NOT NULL'))
    op.create_table('meeting_member',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('meeting_id', NUMBER, nullable=False),
    sa.Column('conversation_id', NUMBER, nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.Column('only_date_id', NUMBER, nullable=True),
    sa.Column('invited_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('told_sequence', NUMBER, nullable=True),
    sa.Column('left_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('excluded', sa.Boolean(), nullable=False),
    sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('steps', sa.String(), nullable=True),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_meeting_member_conversation_id_conversation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['meeting_id'], ['meeting.id'], name=op.f('fk_meeting_member_meeting_id_meeting'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['only_date_id'], ['meeting_date.id'], name=op.f('fk_meeting_member_only_date_id_meeting_date'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_meeting_member')),
    sa.UniqueConstraint('meeting_id', 'conversation_id', name=op.f('uq_meeting_member_meeting_id_conversation_id'))
    )
    op.create_index(op.f('ix_meeting_member_contact_point'), 'meeting_member', ['contact_point'], unique=False)
    op.create_index('ix_meeting_member_conversation_id', 'meeting_member', ['conversation_id'], unique=False)
    op.create_index(op.f('ix_meeting_member_only_date_id'), 'meeting_member', ['only_date_id'], unique=False)
    op.create_table('measure',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('date_id', NUMBER, nullable=False),
    sa.Column('topic_id', NUMBER, nullable=True),
    sa.Column('details', sa.LargeBinary(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('contact_point', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['date_id'], ['meeting_date.id'], name=op.f('fk_measure_date_id_meeting_date'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['topic_id'], ['agenda_topic.id'], name=op.f('fk_measure_topic_id_agenda_topic'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_measure'))
    )
    op.create_index(op.f('ix_measure_contact_point'), 'measure', ['contact_point'], unique=False)
    op.create_index('ix_measure_date_id', 'measure', ['date_id'], unique=False)
    op.create_index(op.f('ix_measure_topic_id'), 'measure', ['topic_id'], unique=False)
    with op.batch_alter_table('invitation', schema=None) as batch_op:
        batch_op.add_column(sa.Column('meeting_date_id', NUMBER, nullable=True))
        batch_op.add_column(sa.Column('in_place_of', NUMBER, nullable=True))
        batch_op.create_index(batch_op.f('ix_invitation_in_place_of'), ['in_place_of'], unique=False)
        batch_op.create_index(batch_op.f('ix_invitation_meeting_date_id'), ['meeting_date_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_invitation_meeting_date_id_meeting_date'), 'meeting_date', ['meeting_date_id'], ['id'], ondelete='CASCADE')
        batch_op.create_foreign_key(batch_op.f('fk_invitation_in_place_of_conversation'), 'conversation', ['in_place_of'], ['id'], ondelete='CASCADE')
    op.add_column('outbox', sa.Column('about', sa.String(), nullable=True))
    op.add_column('outbox', sa.Column('not_after', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_outbox_about', 'outbox', ['about'], unique=False, sqlite_where=sa.text('about IS NOT NULL'), postgresql_where=sa.text('about IS NOT NULL'))
