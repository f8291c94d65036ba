"""No query, and no write, crosses from one contact point to another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    CompoundSelect,
    Engine,
    ForeignKey,
    Select,
    StaticPool,
    create_engine,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    contains_eager,
    joinedload,
    make_transient_to_detached,
    mapped_column,
    relationship,
    selectinload,
    subqueryload,
)

from storage.scope import ForeignContactPoint, Scoped, ScopedSession, Unscoped, scoped_to
from tests.databases import Databases


class Base(DeclarativeBase):
    pass


class Place(Base):
    __tablename__ = "place"
    id: Mapped[int] = mapped_column(primary_key=True)
    cases: Mapped[list[Case]] = relationship(back_populates="place")


class Case(Scoped, Base):
    __tablename__ = "case"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), default=1)
    place: Mapped[Place] = relationship(back_populates="cases")
    notes: Mapped[list[Note]] = relationship(back_populates="case", cascade="all, delete-orphan")


class Note(Scoped, Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    body: Mapped[str]
    case: Mapped[Case] = relationship(back_populates="notes")


Open = Callable[..., ScopedSession]


@pytest.fixture(scope="module")
def engine(databases: Databases) -> Iterator[Engine]:
    """Without the keys between tables: here rows hang where they must never hang."""
    if databases.name == "sqlite":
        engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        Base.metadata.create_all(engine)
        yield engine
    else:
        url = databases.empty()
        engine = create_engine(url)
        Base.metadata.create_all(engine)
        with engine.begin() as connection:
            for table, column in (("case", "place"), ("note", "case")):
                connection.execute(text(f'ALTER TABLE "{table}" DROP CONSTRAINT {table}_{column}_id_fkey'))
        yield engine
        engine.dispose()
        databases.drop(url)


def _fresh(engine: Engine) -> Open:
    def open_session(contact_point: str | None = None, **options: Any) -> ScopedSession:
        return ScopedSession(engine, contact_point=contact_point, expire_on_commit=False, **options)

    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text('TRUNCATE place, "case", note; ALTER SEQUENCE case_id_seq RESTART WITH 3'))
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    with open_session(everywhere=True) as session:
        session.add(Place(id=1))
        for number, contact_point in enumerate(("aa", "bb"), start=1):
            session.add(Case(id=number, title=contact_point, contact_point=contact_point))
            session.flush()
            # A note that hangs on the other one's case: what must never be, and must not show if it is.
            for case in (1, 2):
                session.add(Note(id=10 * number + case, case_id=case, body=contact_point, contact_point=contact_point))
        session.commit()
    return open_session


@pytest.fixture
def open_session(engine: Engine) -> Open:
    return _fresh(engine)


OtherCase = aliased(Case)

SELECTS: dict[str, tuple[Select[Any] | CompoundSelect[Any], Callable[[str], list[Any]]]] = {
    "entity": (select(Case.title).select_from(Case), lambda mine: [mine]),
    "count": (select(func.count()).select_from(Case), lambda mine: [1]),
    "column": (select(Case.contact_point), lambda mine: [mine]),
    "alias": (select(OtherCase.title), lambda mine: [mine]),
    "join": (select(Note.body).join(Note.case), lambda mine: [mine]),
    "join from unscoped": (select(Case.title).select_from(Place).join(Place.cases), lambda mine: [mine]),
    "relationship join": (
        select(func.count()).select_from(Place).join(Place.cases),
        lambda mine: [1],
    ),
    "column of an alias": (select(OtherCase.title, OtherCase.id), lambda mine: [mine]),
    "outer join": (select(Case.title).select_from(Place).outerjoin(Place.cases), lambda mine: [mine]),
    "subquery": (select(func.count()).select_from(select(Case).subquery()), lambda mine: [1]),
    "cte": (select(select(Case.title).cte()), lambda mine: [mine]),
    "scalar subquery": (
        select(select(func.count(Case.id)).scalar_subquery()).select_from(Place),
        lambda mine: [1],
    ),
    "in": (select(Place.id).where(select(func.count(Case.id)).scalar_subquery() == 1), lambda mine: [1]),
    "exists": (
        select(Place.id).where(exists().where(Case.place_id == Place.id, Case.title == "bb")),
        lambda mine: [1] if mine == "bb" else [],
    ),
    "any": (
        select(Place.id).where(Place.cases.any(Case.title == "bb")),
        lambda mine: [1] if mine == "bb" else [],
    ),
    "union": (union_all(select(Case.title), select(Note.body)), lambda mine: [mine] * 3),
    "subquery of a union": (
        select(union_all(select(Case.title), select(Note.body)).subquery().c.title),
        lambda mine: [mine] * 3,
    ),
}


@pytest.mark.parametrize("mine", ["aa", "bb"])
@pytest.mark.parametrize("name", SELECTS)
def test_a_select_sees_its_contact_point_only(open_session: Open, name: str, mine: str) -> None:
    statement, expected = SELECTS[name]
    with open_session(mine) as session:
        seen = [value for value in session.scalars(statement) if value is not None]
    assert seen == expected(mine)


@pytest.mark.parametrize("name", SELECTS)
def test_without_a_contact_point_a_select_is_refused(open_session: Open, name: str) -> None:
    with open_session() as session, pytest.raises(Unscoped):
        session.execute(SELECTS[name][0])


def test_unscoped_classes_need_no_contact_point(open_session: Open) -> None:
    with open_session() as session:
        assert session.scalars(select(Place.id)).all() == [1]


@pytest.mark.parametrize("load", [joinedload, selectinload, subqueryload])
def test_eager_loads_without_a_contact_point_are_refused(open_session: Open, load: Any) -> None:
    with open_session() as session, pytest.raises(Unscoped):
        session.scalars(select(Place).options(load(Place.cases))).unique().all()


@pytest.mark.parametrize("statement", [update(Case).values(title="x"), delete(Case), insert(Case)])
def test_without_a_contact_point_a_write_is_refused(open_session: Open, statement: Any) -> None:
    with open_session() as session, pytest.raises(Unscoped):
        session.execute(statement, None if statement.is_delete else [{"id": 7, "title": "x"}])


def test_the_limit_of_now_counts_for_a_lazy_load(open_session: Open) -> None:
    with open_session() as session:
        place = session.get_one(Place, 1)
        for mine in ("aa", "bb"):
            with scoped_to(session, mine):
                assert [case.title for case in place.cases] == [mine]
                session.expire(place)
                session.refresh(place)
    with open_session(everywhere=True) as session:
        with scoped_to(session, "aa"):
            place = session.get_one(Place, 1)
        assert [case.title for case in place.cases] == ["aa", "bb"]


def test_a_plain_session_is_refused_too(open_session: Open) -> None:
    with Session(open_session().get_bind()) as session:
        with pytest.raises(Unscoped):
            session.scalars(select(Case)).all()
        with pytest.raises(Unscoped), scoped_to(session, "aa"):
            pass


def test_intent_reaches_everything(open_session: Open) -> None:
    with open_session("aa") as session:
        everything = select(Case.title).execution_options(all_contact_points=True)
        assert session.scalars(everything).all() == ["aa", "bb"]
        assert session.get(Case, 2) is None
        assert session.get(Case, 2, execution_options={"all_contact_points": True}) is not None
    with open_session(everywhere=True) as session:
        assert session.scalars(select(Case.title)).all() == ["aa", "bb"]


def test_get_does_not_find_a_foreign_object_that_is_loaded(open_session: Open) -> None:
    with open_session() as session:
        everything = select(Case).execution_options(all_contact_points=True)
        held = session.scalars(everything).all()
        with scoped_to(session, "aa"):
            assert session.get(Case, 1) is held[0]
            assert session.get(Case, 2) is None
            assert session.get(Case, 2, populate_existing=True) is None
        with scoped_to(session, "bb"):
            assert session.get(Case, 2) is held[1]


@pytest.mark.parametrize("load", [None, joinedload, selectinload, subqueryload])
def test_relationships_load_the_same_contact_point(open_session: Open, load: Any) -> None:
    with open_session("aa") as session:
        places = select(Place) if load is None else select(Place).options(load(Place.cases))
        place = session.scalars(places).unique().one()
        assert [case.title for case in place.cases] == ["aa"]
    with open_session("aa") as session:
        cases = select(Case) if load is None else select(Case).options(load(Case.notes))
        case = session.scalars(cases).unique().one()
        assert [note.body for note in case.notes] == ["aa"]
    with open_session("aa") as session:
        notes = select(Note).order_by(Note.id)
        if load is not None:
            notes = notes.options(load(Note.case))
        owners = [note.case for note in session.scalars(notes)]
        assert [owner and owner.title for owner in owners] == ["aa", None]
    with open_session("aa") as session:
        filled = select(Place).join(Place.cases).options(contains_eager(Place.cases))
        assert [case.title for case in session.scalars(filled).unique().one().cases] == ["aa"]


def test_a_lazy_load_finds_no_foreign_object_that_is_loaded(open_session: Open) -> None:
    with open_session("aa") as session:
        session.scalars(select(Case).execution_options(all_contact_points=True)).all()
        astray = session.get_one(Note, 12)
        assert astray.case is None


def test_a_lazy_load_without_a_contact_point_is_refused(open_session: Open) -> None:
    with open_session() as session:
        place = session.get_one(Place, 1)
        with pytest.raises(Unscoped):
            _ = place.cases


def _titles(open_session: Open) -> list[str]:
    with open_session(everywhere=True) as session:
        return list(session.scalars(select(Case.title).order_by(Case.id)))


def test_update_and_delete_stay_inside(open_session: Open) -> None:
    with open_session("aa") as session:
        session.execute(update(Case).values(title="changed"))
        session.execute(update(Case).where(Case.id == 2).values(title="changed"))
        session.query(Case).update({"title": "changed"})
        session.commit()
    assert _titles(open_session) == ["changed", "bb"]
    with open_session("aa") as session:
        session.execute(delete(Note))
        session.execute(delete(Case))
        session.query(Case).delete()
        session.commit()
    assert _titles(open_session) == ["bb"]


def test_conditions_of_an_update_stay_inside(open_session: Open) -> None:
    foreign = select(Note.case_id).where(Note.body == "bb")
    with open_session("aa") as session:
        session.execute(update(Case).where(Case.id.in_(foreign)).values(title="leak"))
        session.execute(update(Case).where(Case.notes.any(Note.body == "bb")).values(title="leak"))
        session.execute(delete(Case).where(Case.id.in_(foreign)))
        session.execute(update(Place).where(Place.id.in_(select(Case.id).where(Case.title == "bb"))).values(id=9))
        assert session.get(Place, 9) is None
        session.commit()
    assert _titles(open_session) == ["aa", "bb"]


@pytest.mark.parametrize(
    "statement",
    [
        update(Case).values(contact_point="bb"),
        insert(Case).values(id=3, title="x", contact_point="bb"),
        upsert(Case).values(id=3, title="x", contact_point="bb").on_conflict_do_nothing(),
        insert(Case).values(id=3, title="x", contact_point=func.lower("BB")),
    ],
)
def test_a_statement_cannot_write_elsewhere(open_session: Open, statement: Any) -> None:
    with open_session("aa") as session, pytest.raises(ForeignContactPoint):
        session.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        select(Case.__table__),
        select(Case.__table__.c.id),
        select(Place).where(Place.id.in_(select(Case.__table__.c.id))),
        select(func.count()).select_from(Case.__table__),
        select(Place.id, Case.__table__.c.title),
        select(Place).join(Case.__table__, Case.__table__.c.place_id == Place.id),
        Case.__table__.update().values(title="x"),
        Case.__table__.delete(),
        update(Case).where(Case.id == Note.case_id, Note.body == "bb").values(title="leak"),
        update(Case).values(title=Note.body),
        update(Case).where(Case.id == OtherCase.id, OtherCase.title == "bb").values(title="leak"),
        delete(Case).where(Case.id == Note.case_id, Note.body == "bb"),
        Case.__table__.insert().values(title="x", contact_point="bb"),
        select(Case).from_statement(text('SELECT * FROM "case"')),
        insert(Case).from_select(["id", "title", "contact_point"], select(Note.id, Note.body, Note.body)),
        insert(Place).from_select(["id"], select(Case.id + 1)),
        insert(Case).values([{"id": 3, "title": "x", "contact_point": "bb"}]),
        upsert(Case).values(id=2, title="x").on_conflict_do_update(index_elements=["id"], set_={"title": "x"}),
    ],
)
def test_what_cannot_be_limited_is_refused(open_session: Open, statement: Any) -> None:
    with open_session("aa") as session, pytest.raises(Unscoped):
        session.execute(statement)


def test_bulk_update_by_key_is_refused(open_session: Open) -> None:
    with open_session("aa") as session, pytest.raises(Unscoped):
        session.execute(update(Case), [{"id": 2, "title": "x"}])
    with open_session("aa") as session, pytest.raises(ForeignContactPoint):
        session.execute(insert(Case), [{"id": 3, "title": "x", "contact_point": "bb"}])


def test_inserts_get_their_contact_point(open_session: Open) -> None:
    with open_session("aa") as session:
        session.add(Case(id=3, title="3", notes=[Note(body="child")]))
        session.execute(insert(Case), [{"id": 4, "title": "4"}, {"id": 5, "title": "5"}])
        session.execute(insert(Case), {"id": 6, "title": "6"})
        session.execute(insert(Case).values(id=7, title="7"))
        session.execute(upsert(Case).values(id=8, title="8").on_conflict_do_nothing())
        session.execute(upsert(Case).values(id=2, title="8").on_conflict_do_nothing())
        session.execute(insert(Case).values(id=9), {"title": "9"})
        assert session.scalars(insert(Case).returning(Case), [{"id": 10, "title": "10"}]).one().title == "10"
        session.commit()
        assert session.scalars(select(Case.id).order_by(Case.id)).all() == [1, *range(3, 11)]
        assert session.scalars(select(Note).where(Note.body == "child")).one().contact_point == "aa"
    assert _titles(open_session)[1] == "bb"


def test_foreign_objects_are_not_written(open_session: Open) -> None:
    with open_session("aa") as session:
        with pytest.raises(ForeignContactPoint):
            session.add(Case(title="x", contact_point="bb"))
        late = Case(title="x")
        session.add(late)
        late.contact_point = "bb"
        with pytest.raises(ForeignContactPoint):
            session.flush()
    with open_session("aa") as session:
        foreign = session.get_one(Case, 2, execution_options={"all_contact_points": True})
        foreign.title = "x"
        with pytest.raises(ForeignContactPoint):
            session.flush()
        session.expunge(foreign)
        session.delete(session.get_one(Note, 22, execution_options={"all_contact_points": True}))
        with pytest.raises(ForeignContactPoint):
            session.commit()
    with open_session("aa") as session, pytest.raises(ForeignContactPoint):
        session.merge(Case(id=2, title="x", contact_point="bb"))
        session.flush()
    with open_session("aa") as session, pytest.raises(ForeignContactPoint):
        guessed = Case(id=2)
        make_transient_to_detached(guessed)
        session.add(guessed)
    assert _titles(open_session) == ["aa", "bb"]


@pytest.mark.parametrize("options", [{"everywhere": True}, {"contact_point": "aa"}, {}])
def test_a_row_never_changes_hands(open_session: Open, options: dict[str, Any]) -> None:
    with open_session(**options) as session:
        case = session.get_one(Case, 2, execution_options={"all_contact_points": True})
        case.contact_point = "aa"
        with pytest.raises(ForeignContactPoint):
            session.commit()


def test_a_new_object_needs_a_contact_point(open_session: Open) -> None:
    for session in (open_session(), open_session(everywhere=True)):
        with session:
            session.add(Case(title="explicit", contact_point="cc"))
            session.flush()
            session.add(Case(title="none"))
            with pytest.raises(Unscoped):
                session.flush()


def test_the_limit_ends_with_its_block(open_session: Open) -> None:
    with open_session() as session:
        with scoped_to(session, "aa"):
            session.add(Case(title="new"))
            with scoped_to(session, "bb"):
                assert session.scalars(select(Case.title)).all() == ["bb"]
            assert session.scalars(select(Case.title)).all() == ["aa", "new"]
        with pytest.raises(Unscoped):
            session.scalars(select(Case)).all()
        with pytest.raises(ZeroDivisionError), scoped_to(session, "aa"):
            raise ZeroDivisionError
        with pytest.raises(Unscoped):
            session.scalars(select(Case)).all()


def test_an_expired_object_can_be_read_again(open_session: Open) -> None:
    with open_session() as session:
        with scoped_to(session, "aa"):
            case = session.get_one(Case, 1)
        session.expire(case)
        assert case.title == "aa"


POINTS = st.sampled_from(("aa", "bb", "cc"))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("add", "get", "rename", "delete", "bulk update", "bulk delete", "read", "notes")),
        POINTS,
        st.integers(1, 6),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, one_session=st.booleans())
def test_whatever_is_done_each_contact_point_lives_alone(
    engine: Engine, steps: list[tuple[str, str, int]], one_session: bool
) -> None:
    open_session = _fresh(engine)
    expected = {"aa": {1: "aa"}, "bb": {2: "bb"}, "cc": {}}
    shared = open_session()
    for count, (step, point, number) in enumerate(steps):
        session = shared if one_session else open_session()
        mine = expected[point]
        taken = any(number in rows for rows in expected.values())
        word = f"{step} {count}"
        with scoped_to(session, point):
            found = session.get(Case, number)
            assert (found.title if found else None) == mine.get(number)
            match step:
                case "add" if not taken:
                    session.add(Case(id=number, title=word))
                    mine[number] = word
                case "rename" if found:
                    found.title = mine[number] = word
                case "delete" if found:
                    session.delete(found)
                    del mine[number]
                case "bulk update":
                    session.execute(update(Case).values(title=word))
                    mine.update(dict.fromkeys(mine, word))
                case "bulk delete":
                    session.execute(delete(Note))
                    session.execute(delete(Case))
                    mine.clear()
                case "notes":
                    assert {note.contact_point for note in session.scalars(select(Note))} <= {point}
            assert dict(session.execute(select(Case.id, Case.title)).all()) == mine
        session.commit()
        if not one_session:
            session.close()
    shared.close()
    with open_session(everywhere=True) as session:
        rows = session.execute(select(Case.contact_point, Case.id, Case.title)).all()
    assert sorted(rows) == sorted((p, i, t) for p, cases in expected.items() for i, t in cases.items())
