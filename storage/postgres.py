"""A database on a PostgreSQL server: how it is reached, and that its errors repeat nobody's words."""

from __future__ import annotations

import re
import time
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import ExceptionContext

from storage.errors import DatabaseError

OLDEST: Final = 14
"""The oldest major version that still gets mended when a fault in it is found."""

DRIVER: Final = "postgresql+psycopg"
NAMES: Final = frozenset({"postgres", "postgresql", DRIVER})

IDLE_BEFORE_PING: Final = 1.0
"""Seconds after which a connection is asked whether it is still there, before a transaction relies on it."""

_SESSION: Final = {
    "TimeZone": "UTC",
    # A turn takes milliseconds: what takes longer waits for something, and another try is better than to hang.
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    # The locks of a process that hangs inside a transaction go, so that another one can take over.
    "idle_in_transaction_session_timeout": "4s",
}
_CONNECT: Final = {
    "connect_timeout": 5,
    "application_name": "anlaufstelle",
    "client_encoding": "utf8",
    # A server that lost its power says nothing: found after half a minute instead of hours.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def engine_of(url: URL) -> Engine:
    """An engine with one connection, to a server; raises DatabaseError if the driver is not installed."""
    try:
        import psycopg  # noqa: F401  # an extra: whoever uses SQLite does without it
    except ImportError:
        raise DatabaseError(
            'PostgreSQL needs a driver that is not installed: pip install "anlaufstelle[postgres]".'
        ) from None
    if "@" in (url.host or ""):
        # The rest of a password stands there: better not to repeat it.
        raise DatabaseError(
            "The address of the database is not understood: write an @ in the user or the password as %40."
        )
    engine = create_engine(
        url.set(drivername=DRIVER),
        connect_args=_connect_arguments(url),
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        pool_size=1,
        max_overflow=0,
        use_native_hstore=False,
    )
    event.listen(engine, "handle_error", _silence)
    event.listen(engine, "checkin", _remember)
    event.listen(engine, "checkout", _ping_after_idling(engine))
    return engine


def check_server(connection: Connection) -> None:
    """Raises DatabaseError for a server that is too old."""
    refuse_old(connection.connection.driver_connection.info.server_version)  # type: ignore[union-attr]


def refuse_old(version: int) -> None:
    """Takes the number of a version as PostgreSQL counts, 140005 for 14.5; raises DatabaseError."""
    if version < OLDEST * 10_000:
        raise DatabaseError(
            f"PostgreSQL {version // 10_000} is too old: version {OLDEST} or later is needed. Nothing was changed."
        )


def name_of(url: URL) -> str:
    """The database and its server, without user and password, for messages."""
    server = url.host or _only(url.query.get("host")) or "this computer"
    port = url.port or _only(url.query.get("port"))
    return f'"{url.database or url.username or ""}" on {server}{f":{port}" if port else ""}'


_ADVICE: Final = (
    (
        "password authentication failed|no password supplied",
        "user or password are wrong. The password stands in the address, in PGPASSWORD or in the file ~/.pgpass",
    ),
    (
        'database ".*" does not exist',
        "there is no such database. Let an administrator create it: createdb -O USER NAME",
    ),
    ('role ".*" does not exist|Peer authentication failed', "the server does not know this user"),
    ("no pg_hba.conf entry", "the server does not let this user in from here (pg_hba.conf)"),
    ("too many clients|connection slots", "the server has no connection left"),
    ("starting up|shutting down|recovery mode", "the server is starting or stopping. Try again in a moment"),
    ("permission denied for database", "this user may not connect to it (GRANT CONNECT)"),
    (
        "Connection refused|No such file|timeout|timed out|translate host|resolve host|unreachable|No route|not known",
        "no server answers there. Check host and port, and that the server runs",
    ),
)
"""Words of the client library and of the server, and what to do about them."""


def why_not_opened(error: BaseException) -> str:
    """Why no connection came about, in one line; without the words of a server that speaks another language."""
    said = " ".join(str(error).split())
    for pattern, advice in _ADVICE:
        if re.search(pattern, said):
            return advice
    return re.sub(r".*?(FATAL|failed|is bad): +", "", said) or "no answer"


_PASSING: Final = frozenset({"25006", "25P03", "57P05"})
"""Codes of errors that the next try may not meet, although their class is another: a standby, a time that ran out."""


def _connect_arguments(url: URL) -> dict[str, Any]:
    settings = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    # What stands in the address wins: the last word on a setting counts.
    given = {**url.query}
    options = f"{settings} {_only(given.pop('options', '')) or ''}".rstrip()
    return {**{name: value for name, value in _CONNECT.items() if name not in given}, "options": options}


def _only(value: str | tuple[str, ...] | None) -> str | None:
    return value[0] if isinstance(value, tuple) else value


def _silence(context: ExceptionContext) -> BaseException | None:
    """The server's DETAIL names the values that were in the way: they go, from wherever they could be read.

    Faults that pass by themselves become OperationalError, whatever class the driver has for them.
    """
    from psycopg import Error

    error = context.original_exception
    if not isinstance(error, Error):
        return None
    state, wrapped = error.sqlstate or "", context.sqlalchemy_exception
    if error.diag.message_primary is not None:
        # In data exceptions (22) the first line repeats the value, too.
        said = type(error).__name__ if state.startswith("22") else error.diag.message_primary
        error.args = (f"{said} ({state})",)
        error._info = None
        if wrapped is not None:
            wrapped.args = (f"({type(error).__module__}.{type(error).__qualname__}) {error}",)
    if wrapped is None or not (context.is_disconnect or state in _PASSING):
        return None
    if isinstance(wrapped, exc.OperationalError):
        return None
    return exc.OperationalError(
        context.statement, None, error, hide_parameters=True, connection_invalidated=context.is_disconnect
    )


def _remember(_: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _ping_after_idling(engine: Engine) -> Any:
    def ping(connection: Any, record: Any, _: Any) -> None:
        used = record.info.get("used")
        if used is None or time.monotonic() - used < IDLE_BEFORE_PING:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.dbapi.Error as error:  # type: ignore[union-attr]
            raise exc.DisconnectionError from error

    return ping
