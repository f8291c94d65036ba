"""Every query sees one contact point (architecture, idea 9): by the session, not by the care of whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final
from weakref import WeakSet

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Delete,
    FromClause,
    Insert,
    Select,
    Table,
    Update,
    event,
    inspect,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import (
    InstanceState,
    InstrumentedAttribute,
    LoaderCriteriaOption,
    Mapped,
    MappedColumn,
    Mapper,
    ORMExecuteState,
    PassiveFlag,
    Session,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.base import NO_VALUE
from sqlalchemy.sql import visitors
from sqlalchemy.sql.annotation import Annotated
from sqlalchemy.sql.functions import FunctionElement

ALL: Final = "all_contact_points"
"""The execution option of a statement that is meant to see every contact point."""

_SCOPE: Final = "contact_point"
_EVERYWHERE: Final = "everywhere"
_MARK: Final = "scoped"
_NO_SCOPE: Final = "No contact point is set for this session."


class Unscoped(Exception):
    """A statement reached rows of a contact point without a limit that can be set or checked."""


class ForeignContactPoint(Exception):
    """A row of another contact point was about to be written, or a row was about to change hands."""


def own_contact_point(*, index: bool = True) -> MappedColumn[str]:
    """The column that says whose row it is; where no query looks for it alone, it needs no index."""
    # The old value is always kept, so that a row that changes hands is noticed.
    return mapped_column(index=index, active_history=True, info={_MARK: True})


def sorted_by(id_: InstrumentedAttribute[int]) -> ColumnElement[int]:
    """For ORDER BY where few rows are found by something else.

    Asked for the order of the ids themselves, SQLite takes the index over contact points, which has it, and reads all
    rows of one.
    """
    return id_ + 0


class Scoped:
    """A mapped class whose rows belong to one contact point each, from birth to deletion."""

    contact_point: Mapped[str] = own_contact_point()


class ScopedSession(Session):
    """A session that sees and writes the rows of one contact point.

    Reaching further takes intent: the execution option `all_contact_points=True` on a statement, or
    `everywhere=True` for the whole session. Plain SQL text is not looked into.
    """

    def __init__(
        self, bind: Any = None, *, contact_point: str | None = None, everywhere: bool = False, **options: Any
    ) -> None:
        if contact_point is not None and everywhere:
            raise ValueError("A session belongs to one contact point or to all of them.")
        super().__init__(bind, **options)
        self.info[_SCOPE] = contact_point
        self.info[_EVERYWHERE] = everywhere

    def _identity_lookup(
        self,
        mapper: Mapper[Any],
        primary_key_identity: Any,
        identity_token: Any = None,
        passive: PassiveFlag = PassiveFlag.PASSIVE_OFF,
        lazy_loaded_from: InstanceState[Any] | None = None,
        execution_options: Any = None,
        bind_arguments: Any = None,
    ) -> Any:
        # `get` and many-to-one loads find a loaded object here, without a statement that could be limited.
        found = super()._identity_lookup(mapper, primary_key_identity, identity_token, passive)
        scope = contact_point_of(self)
        if scope is None or not isinstance(found, Scoped) or (execution_options or {}).get(ALL):
            return found
        return found if _known(found) == scope else None


def contact_point_of(session: Session) -> str | None:
    """The contact point that the session is limited to now."""
    scope: str | None = session.info.get(_SCOPE)
    return scope


@contextmanager
def scoped_to(session: Session, contact_point: str) -> Iterator[Session]:
    """Limits a session to one contact point for a while; what is pending is flushed at both ends."""
    if not isinstance(session, ScopedSession):
        raise Unscoped("Only a session of the database can be limited to a contact point.")
    before = session.info[_SCOPE], session.info[_EVERYWHERE]
    session.flush()
    session.info[_SCOPE], session.info[_EVERYWHERE] = contact_point, False
    try:
        yield session
        session.flush()
    finally:
        session.info[_SCOPE], session.info[_EVERYWHERE] = before


@event.listens_for(Session, "do_orm_execute")
def _limit(state: ORMExecuteState) -> None:
    session, statement = state.session, state.statement
    everything = session.info.get(_EVERYWHERE, False) or state.execution_options.get(ALL, False)
    scope = contact_point_of(session)
    if not state.is_orm_statement:
        if not everything and _reaches_scoped(statement):
            raise Unscoped("A statement on tables instead of mapped classes cannot be limited.")
        return
    # What the session itself makes of a statement, to load the rest of it, has been through here already.
    derived = state.is_relationship_load or state.is_column_load or any(map(_is_limit, statement._with_options))
    if not everything and not derived:
        _refuse_unlimitable(state)
        if isinstance(statement, Insert | Update) and _reaches_scoped(statement):
            if scope is None:
                raise Unscoped(_NO_SCOPE)
            _refuse_others(_contact_points_in(statement, _rows(state)), scope)
            if isinstance(statement, Insert):
                _fill_insert(state, statement, scope)
                return
    limits = () if everything else (_NOTHING if scope is None else _only(scope),)
    # A lazy load brings along the limit under which its object was loaded; the one of now is what counts.
    limited = statement.options()
    limited._with_options = (*(option for option in limited._with_options if not _is_limit(option)), *limits)
    state.statement = limited


def _is_limit(option: object) -> bool:
    return isinstance(option, LoaderCriteriaOption) and option.root_entity is Scoped


class _Refused(FunctionElement[bool]):
    """A condition that no statement survives: it stands where a contact point should."""

    inherit_cache = True
    name = "refused"
    type = Boolean()


@compiles(_Refused)
def _refuse(*_: object, **__: object) -> str:
    raise Unscoped(_NO_SCOPE)


_NOTHING: Final = with_loader_criteria(Scoped, _Refused(), include_aliases=True)


@lru_cache
def _only(scope: str) -> LoaderCriteriaOption:
    return with_loader_criteria(Scoped, lambda cls: cls.contact_point == scope, include_aliases=True)


_SOUND: Final[WeakSet[Any]] = WeakSet()
"""Queries that were looked through; those that are written once are asked again and again."""


def _refuse_unlimitable(state: ORMExecuteState) -> None:
    statement = state.statement
    if statement in _SOUND:
        return
    if _uses_tables(statement):
        raise Unscoped("A statement on tables instead of mapped classes cannot be limited.")
    if state.is_from_statement and _reaches_scoped(statement):
        raise Unscoped("SQL text cannot be limited to a contact point.")
    if isinstance(statement, Insert) and _reaches_scoped(statement):
        if statement.select is not None or statement._multi_values:
            raise Unscoped("An INSERT takes its rows as parameters to be limited to a contact point.")
        conflict: Any = statement._post_values_clause
        if hasattr(conflict, "update_values_to_set") and not any(
            getattr(element, "key", element) == _SCOPE for element in conflict.inferred_target_elements or ()
        ):
            raise Unscoped("An INSERT that updates a row it meets must find that row by its contact point too.")
    if isinstance(statement, Update | Delete) and any(map(_reaches_scoped, _further_tables(statement))):
        raise Unscoped("Other tables cannot be limited beside the one that is written; use a subquery.")
    if isinstance(statement, Update) and state.is_executemany and _reaches_scoped(statement):
        raise Unscoped("An UPDATE by a list of primary keys cannot be limited to a contact point.")
    if isinstance(statement, Select):
        _SOUND.add(statement)


def _fill_insert(state: ORMExecuteState, statement: Insert, scope: str) -> None:
    rows = _rows(state)
    if state.is_executemany:
        state.parameters = [{**row, _SCOPE: scope} for row in rows]
    elif rows:
        state.parameters = {**rows[0], _SCOPE: scope}
    elif not any(_contact_points_in(statement, ())):
        state.statement = statement.values({_SCOPE: scope})


def _rows(state: ORMExecuteState) -> list[Mapping[str, Any]]:
    if not state.parameters:
        return []
    return [state.parameters] if isinstance(state.parameters, Mapping) else list(state.parameters)


def _contact_points_in(statement: Insert | Update, rows: Iterable[Mapping[str, Any]]) -> Iterator[Any]:
    pairs = [*(statement._values or {}).items(), *(getattr(statement, "_ordered_values", None) or ())]
    for key, value in pairs:
        if getattr(key, "key", key) == _SCOPE:
            yield getattr(value, "value", value)
    for row in rows:
        if _SCOPE in row:
            yield row[_SCOPE]


def _refuse_others(contact_points: Iterable[Any], scope: str) -> None:
    if any(not isinstance(given, str) or given != scope for given in contact_points):
        raise ForeignContactPoint("The statement writes rows of another contact point.")


def _is_scoped(table: FromClause) -> bool:
    column = table.columns.get(_SCOPE)
    return column is not None and _MARK in column.info


def _reaches_scoped(statement: Any) -> bool:
    return any(isinstance(part, Table) and _is_scoped(part) for part in visitors.iterate(statement))


def _further_tables(statement: Update | Delete) -> Iterator[FromClause]:
    for part in (*statement._where_criteria, *(getattr(statement, "_values", None) or {}).values()):
        for source in getattr(part, "_from_objects", ()):
            if source != statement.table:
                yield source


def _uses_tables(statement: Any) -> bool:
    for part in visitors.iterate(statement):
        if not isinstance(part, Select):
            continue
        if part._propagate_attrs.get("compile_state_plugin") != "orm" and _reaches_scoped(part):
            return True
        sources = (*part._from_obj, *(join[0] for join in part._setup_joins), *part._raw_columns)
        if any(isinstance(source, Table) and _is_bare(source) and _is_scoped(source) for source in sources):
            return True
        for column in part._raw_columns:
            for inner in visitors.iterate(column):
                if isinstance(inner, Column) and _is_bare(inner) and _is_scoped(inner.table):
                    return True
    return False


def _is_bare(part: object) -> bool:
    return not isinstance(part, Annotated)


@event.listens_for(Session, "before_attach")
def _receive(session: Session, instance: object) -> None:
    scope = contact_point_of(session)
    if scope is None or not isinstance(instance, Scoped):
        return
    known = _known(instance)
    if known is None and inspect(instance).key is None:
        instance.contact_point = scope
    elif known != scope:
        raise ForeignContactPoint(f"{type(instance).__name__} belongs to another contact point.")


@event.listens_for(Session, "before_flush")
def _check(session: Session, *_: object) -> None:
    scope = contact_point_of(session)
    for instance in (*session.new, *session.dirty, *session.deleted):
        if not isinstance(instance, Scoped):
            continue
        state = instance_state(instance)
        known = state.dict.get(_SCOPE)
        name = type(instance).__name__
        if state.key is not None and state.committed_state.get(_SCOPE, known) not in (known, NO_VALUE):
            raise ForeignContactPoint(f"{name} cannot move to another contact point.")
        if known is not None and scope in (None, known):
            continue
        if instance in session.dirty and not session.is_modified(instance):
            continue
        if instance.contact_point is None:
            raise Unscoped(f"{name} has no contact point.")
        if scope is not None and instance.contact_point != scope:
            raise ForeignContactPoint(f"{name} belongs to another contact point.")


def _known(instance: Scoped) -> str | None:
    known: str | None = inspect(instance).dict.get(_SCOPE)
    return known
