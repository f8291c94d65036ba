"""What stands in the log: where, when, which row; never a word of anybody (D-13).

The rules hold for whatever code writes: our own records may carry numbers and single plain tokens; a record of a
library says only where in the library it was written, for its text may repeat what a person wrote, a row, or an
address with a token in it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import traceback
import types
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, TextIO

Style = Literal["json", "text"]

OWN: Final = ("anlaufstelle", "bot", "storage")
"""The loggers whose sentences we know."""

WITHHELD: Final = "withheld"
_LIBRARY: Final = "a library wrote a message, withheld"
_ROOT: Final = Path(__file__).parents[1]
_SHOWN_PLACES: Final = 12
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.,:;/<>()@+=\[\]-]{1,160}")
_SECRET: Final = re.compile(r"://|\d{5,}:[A-Za-z0-9_-]{20,}")
"""An address, or a token as messengers give them to bots."""
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "event"}
_PRIORITIES: Final = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}


def places(error: BaseException) -> list[str]:
    """Where an error came from, innermost first: file, line, function; neither its message nor any value."""
    frames = traceback.extract_tb(error.__traceback__, limit=-_SHOWN_PLACES)
    return [f"{_short(frame.filename)}:{frame.lineno}:{frame.name}" for frame in reversed(frames)]


def kinds(error: BaseException) -> list[str]:
    """The class of an error and of those that led to it, with the code of the database where there is one."""
    found: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(found) < 5:
        code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
        found.append(f"{type(cause).__name__}({code})" if code else type(cause).__name__)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return found


def told(record: logging.LogRecord) -> dict[str, Any]:
    """What may be said of a record."""
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    facts: dict[str, Any] = {"time": at, "level": record.levelname.lower()}
    if is_own(record):
        given = vars(record)
        facts["event"] = given.get("event") or _sentence(record)
        facts |= {name: _shown(value) for name, value in given.items() if name not in _STANDARD}
    else:
        place = f"{_short(record.pathname)}:{record.lineno}:{record.funcName}"
        facts |= {"event": _LIBRARY, "logger": _shown(record.name), "at": _shown(place)}
    if record.exc_info and record.exc_info[1] is not None:
        facts |= {"error": kinds(record.exc_info[1]), "places": places(record.exc_info[1])}
    return facts


def is_own(record: logging.LogRecord) -> bool:
    """Whether the bot itself wrote it."""
    return record.name.partition(".")[0] in OWN


def _sentence(record: logging.LogRecord) -> str:
    try:
        arguments = record.args
        if isinstance(arguments, Mapping):
            return str(record.msg) % {_shown(name): _shown(value) for name, value in arguments.items()}
        return str(record.msg) % tuple(map(_shown, arguments)) if arguments else str(record.msg)
    except (TypeError, ValueError, KeyError):
        return str(record.msg)


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not _SECRET.search(value):
        return value
    return WITHHELD


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else Path(*path.parts[-2:]))


class JsonLines(logging.Formatter):
    """One JSON object a line, for programs that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(told(record), ensure_ascii=True, separators=(",", ":"))


class PlainLines(logging.Formatter):
    """One line for each record, for people."""

    def format(self, record: logging.LogRecord) -> str:
        facts = told(record)
        head = f"{facts.pop('time')} {facts.pop('level')} {' '.join(str(facts.pop('event')).split())}"
        return " ".join((head, *_pairs(facts)))


def _pairs(facts: Mapping[str, Any]) -> Iterator[str]:
    for name, value in facts.items():
        if value == []:
            continue
        yield f"{name}={' < '.join(map(str, value)) if isinstance(value, list) else value}"


class _ToStderr(logging.StreamHandler[TextIO]):
    """Writes to standard error as it is now; to the journal with the level that it sorts by."""

    def __init__(self, style: Style) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(JsonLines() if style == "json" else PlainLines())
        self.addFilter(lambda record: is_own(record) or record.levelno >= logging.WARNING)
        self._to_journal = _is_journal()

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # the base class keeps it as an attribute
        return sys.stderr

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return f"<{_PRIORITIES.get(record.levelname, 5)}>{line}" if self._to_journal else line

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the name is the library's
        """Says nothing: what the base class prints holds the record with its values."""


def _is_journal() -> bool:
    """Whether standard error goes straight to systemd's journal, as it tells its services."""
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def set_up(style: Style = "text", *, loud: bool = False) -> None:
    """Sends the log to standard error, and nothing anywhere else."""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _ToStderr)]:
        root.removeHandler(handler)
    root.addHandler(_ToStderr(style))
    root.setLevel(logging.WARNING)
    for name in OWN:
        logging.getLogger(name).setLevel(logging.INFO if loud else logging.WARNING)
    # Spared the work: what they write below a warning would not be shown. The database library prints rows.
    for name in ("aiohttp", "alembic", "asyncio", "httpcore", "httpx", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # A tick that takes long is no news; how late the clock is can be measured.
    # It tells who writes from which device, and what it complains of is handled.
    logging.getLogger("nio").setLevel(logging.CRITICAL)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def catch_everything() -> None:
    """What Python itself would print about errors and warnings goes into the log by the same rules."""
    log = logging.getLogger("anlaufstelle.bugs")

    def ended(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.critical("ended by a bug", exc_info=(kind, error, trace))

    def in_thread(given: threading.ExceptHookArgs) -> None:
        if given.exc_value is not None:
            log.error("a bug in a thread", exc_info=given.exc_value)

    def unraisable(given: Any) -> None:
        log.error("a bug that nobody could hear of", exc_info=given.exc_value)

    def warned(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        log.warning("a warning", extra={"kind": category.__name__, "at": f"{_short(filename)}:{lineno}"})

    sys.excepthook = ended
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable
    warnings.showwarning = warned
