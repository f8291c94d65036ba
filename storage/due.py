"""The moments at which something is looked at again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from storage.insert import insert_or_replace
from storage.models import DueRow
from storage.types import UtcDateTime

_DUE: Final[Any] = DueRow.__table__
_KEY: Final = ("contact_point", "kind", "subject")

_ANY: Final = (
    select(_DUE.c.id).where(_DUE.c.done_at.is_(None), _DUE.c.due_at <= bindparam("now", type_=UtcDateTime())).limit(1)
)
_CAME: Final = _ANY.order_by(_DUE.c.due_at, _DUE.c.id).with_for_update(skip_locked=True)
_FORGET: Final = delete(_DUE).where(
    *(_DUE.c[name] == bindparam(f"its_{name}", type_=_DUE.c[name].type) for name in _KEY)
)


def came(session: Session, now: datetime) -> int | None:
    """The row that came due first and that no other process works on; it is ours until the commit."""
    found: int | None = session.connection().execute(_CAME, {"now": now}).scalar()
    return found


def is_empty(session: Session, now: datetime) -> bool:
    """Whether nothing has come due that is not dealt with."""
    return session.connection().execute(_ANY, {"now": now}).first() is None


def remind(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Sets moments; an earlier setting of the same kind and subject is replaced."""
    complete = [{**row, "attempts": 0, "done_at": None} for row in rows]
    insert_or_replace(session, _DUE, complete, _KEY, ("due_at", "attempts", "done_at"))


def forget(session: Session, keys: Sequence[tuple[str, str, int]]) -> None:
    """Lifts moments, each named by contact point, kind and subject."""
    session.connection().execute(
        _FORGET, [dict(zip((f"its_{name}" for name in _KEY), key, strict=True)) for key in keys]
    )
