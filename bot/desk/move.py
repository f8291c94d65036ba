"""The desk has moved to another messenger: what stands in the old one is no longer changed or answered there."""

from __future__ import annotations

from sqlalchemy import update

from bot.work import Work
from storage.models import Setting, Thread, ThreadEntry


def note_where_it_is(work: Work) -> None:
    """Once at every start. After a move each case shows its card and its words anew when it is opened."""
    name = f"desk_account:{work.contact_point.id}"
    before = work.session.get(Setting, name)
    if before is not None and before.value == work.desk.account:
        return
    work.session.merge(Setting(name=name, value=work.desk.account))
    if before is None:
        return
    open_ = Thread.card_outbox_id.is_not(None)
    work.session.execute(update(Thread).where(open_).values(card_outbox_id=None))
    shown = ThreadEntry.kind != "TO_REPORTER"
    work.session.execute(update(ThreadEntry).where(shown, ThreadEntry.outbox_id.is_not(None)).values(outbox_id=None))
