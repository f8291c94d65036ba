"""A consistent copy of the database while the bot runs, and what lies beside it.

The keys are not in it: whoever finds a backup can read nothing without them.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url

from storage import dumps
from storage.database import Database, DatabaseError
from storage.files import empty, synced
from storage.key_check import NAME, mark_of
from storage.keys import KeyRing

FOLDER: Final = "backups"
"""Where backups go: beside a SQLite file."""

_NAME: Final = re.compile(r"anlaufstelle-(\d{8}T\d{6}Z)\.(db|dump)")


class BackupError(Exception):
    """A backup cannot be made or used; the message is one line, and nothing was changed."""


def folder_of(url: str) -> Path:
    """Where backups go unless somebody says otherwise."""
    file = sqlite_file(make_url(url))
    return (file.parent if file else Path()) / FOLDER


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite database; None in memory and on a server."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))


def back_up(url: str, ring: KeyRing, folder: Path, now: datetime) -> Path:
    """Copies the database into a new file of the folder, checked and on the disk; raises BackupError."""
    target = make_url(url)
    file = sqlite_file(target)
    if file is None and target.get_backend_name() == "sqlite":
        raise BackupError("A database in memory cannot be backed up.")
    if file is not None and not file.is_file():
        raise BackupError(f"There is nothing to back up: {file} is missing.")
    name = f"anlaufstelle-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.{'db' if file else 'dump'}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new, done = folder / f".{name}.new", folder / name
        if done.exists():
            raise BackupError(f"{done} is there already and is not overwritten.")
        new.unlink(missing_ok=True)
        empty(new)
    except OSError as wrong:
        raise BackupError(f"The folder {folder} cannot be written to: {wrong.strerror}.") from None
    try:
        if file is not None:
            copy_sqlite(file, new)
        else:
            dumps.dump(target, new)
        check(new, ring)
        synced(new)
        os.replace(new, done)
        synced(folder)
    except OSError as wrong:
        raise BackupError(f"The backup cannot be written: {wrong.strerror}.") from None
    except dumps.ToolError as wrong:
        raise BackupError(str(wrong)) from None
    finally:
        new.unlink(missing_ok=True)
    return done


def copy_sqlite(file: Path, into: Path) -> None:
    """A copy of one moment, into an empty file; whoever writes meanwhile is not held up."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=30)) as source:
            source.execute("VACUUM INTO ?", (str(into),))
    except sqlite3.Error as wrong:
        raise BackupError(f"The database {file} cannot be copied: {wrong}.") from None


def check(backup: Path, ring: KeyRing) -> None:
    """Whether a backup is whole and fits the keys; raises BackupError."""
    mark = _mark_in_dump(backup) if is_dump(backup) else _mark_in_sqlite(backup)
    if mark is None:
        raise BackupError(f"{backup.name} is no backup of this program.")
    if mark != mark_of(ring):
        raise BackupError(f"The keys do not fit {backup.name}: it was made with another key file.")


def is_dump(backup: Path) -> bool:
    """Whether it comes from PostgreSQL; raises BackupError if it cannot be read."""
    try:
        with open(backup, "rb") as file:
            return file.read(5) == b"PGDMP"
    except OSError as wrong:
        raise BackupError(f"The backup {backup} cannot be read: {wrong.strerror}.") from None


def _mark_in_dump(backup: Path) -> str | None:
    try:
        return dumps.settings_in(backup).get(NAME)
    except dumps.ToolError as wrong:
        raise BackupError(str(wrong)) from None


def _mark_in_sqlite(backup: Path) -> str | None:
    try:
        # Nobody else has it, and it must not get side files.
        uri = f"{backup.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as copy:
            found = copy.execute("PRAGMA integrity_check(1)").fetchone()
            if found != ("ok",) or copy.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise BackupError(f"{backup.name} is damaged.")
            with suppress(sqlite3.OperationalError):
                row = copy.execute("SELECT value FROM setting WHERE name = ?", (NAME,)).fetchone()
                return str(row[0]) if row else None
    except sqlite3.Error as wrong:
        raise BackupError(f"{backup.name} is damaged or no backup: {wrong}.") from None
    return None


def made_at(backup: Path) -> datetime:
    """When a backup was made: by its name, or by its file if it was renamed."""
    match = _NAME.fullmatch(backup.name)
    if match:
        return datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return datetime.fromtimestamp(backup.stat().st_mtime, UTC)


def old_files(files: Iterable[Path], before: datetime) -> list[Path]:
    """Those made before a moment."""
    found = []
    for file in files:
        with suppress(FileNotFoundError):
            if made_at(file) < before:
                found.append(file)
    return found


def backups_in(folder: Path) -> list[Path]:
    """The backups of a folder, oldest first."""
    return sorted(each for each in folder.glob("anlaufstelle-*") if _NAME.fullmatch(each.name))


def kept_aside(database: Database) -> list[Path]:
    """Copies with personal data that upgrades, restores and backups leave beside a SQLite file."""
    file = database.file
    if file is None:
        return []
    aside = (f"{file.name}.before-upgrade", f"{file.name}.before-restore-*")
    return [*(each for name in aside for each in sorted(file.parent.glob(name))), *backups_in(file.parent / FOLDER)]


@contextmanager
def rehearsal(database: Database) -> Iterator[Database]:
    """A database to try something on: a copy of a SQLite file, so that nobody waits; elsewhere the database itself."""
    file = database.file
    if file is None:
        yield database
        return
    copy = file.with_name(f"{file.name}.rehearsal")
    remove(copy)
    try:
        empty(copy)
        copy_sqlite(file, copy)
        stage = Database.open(f"sqlite:///{copy}", database.ring)
        try:
            yield stage
        finally:
            stage.close()
    except (OSError, BackupError) as wrong:
        raise DatabaseError(f"The database cannot be copied for a rehearsal: {wrong}") from None
    finally:
        remove(copy)


def remove(file: Path) -> None:
    """Deletes a SQLite file with its side files."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
