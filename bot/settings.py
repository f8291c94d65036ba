"""What an installation consists of: its database, its keys, its contact points; checked at start (rule 7)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from bot.contact_point import ContactPoint
from bot.contact_point_file import ContactPointError, load_contact_point, load_contact_points, shipped
from bot.languages import LANGUAGES
from storage.database import Database, DatabaseError
from storage.erasures import ErasureFile
from storage.key_check import check_keys
from storage.keys import (
    ENVIRONMENT,
    KeyFileError,
    KeyRing,
    WrongKey,
    create_ring_file,
    load_ring,
    write_ring_file,
)
from storage.migrate import pending, upgrade
from storage.rotation import rotate

SAMPLE = "oberberg.toml"


class SettingsError(Exception):
    """The installation cannot be started as it is; the text says what is wrong, a line for each mistake."""


def contact_points(folder: Path | None) -> dict[str, ContactPoint]:
    """The contact points of a folder, or the shipped sample of the Oberbergischer Kreis."""
    try:
        if folder is not None:
            return load_contact_points(folder, LANGUAGES)
        sample = load_contact_point(shipped() / SAMPLE, LANGUAGES)
        return {sample.id: sample}
    except ContactPointError as wrong:
        raise SettingsError(str(wrong)) from None


def key_file_of(url: str) -> Path:
    """Where the keys lie: beside a SQLite file, never inside it."""
    database = _file_of(url)
    return database.with_suffix(".keys") if database else Path("anlaufstelle.keys")


def keys(url: str, environment: Mapping[str, str]) -> tuple[KeyRing, Path | None]:
    """The keys, and the file they were just written to if this is the first run."""
    file = key_file_of(url)
    try:
        if environment.get(ENVIRONMENT) or file.exists():
            return load_ring(file, environment), None
        present = _file_of(url)
        if present is not None and present.is_file() and present.stat().st_size > 0:
            raise SettingsError(
                f"The key file {file} is missing, but the database {present} exists: bring the key file back. "
                "Without it nothing in the database can be read."
            )
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return create_ring_file(file), file
    except KeyFileError as wrong:
        raise SettingsError(str(wrong)) from None
    except OSError as wrong:
        raise SettingsError(f"The key file {file} cannot be written: {wrong.strerror}.") from None


def erasure_file_of(url: str) -> ErasureFile:
    """The list of erasures beside the database, for the day on which the database is lost."""
    database = _file_of(url)
    return ErasureFile(database.with_name(f"{database.name}.erasures") if database else Path("anlaufstelle.erasures"))


def present_keys(url: str, environment: Mapping[str, str]) -> KeyRing:
    """The keys, which must be there already."""
    try:
        return load_ring(key_file_of(url), environment)
    except KeyFileError as wrong:
        raise SettingsError(str(wrong)) from None


def open_database(url: str, environment: Mapping[str, str]) -> tuple[Database, Path | None]:
    """The database, new or upgraded, and the key file if it was just written."""
    ring, written = keys(url, environment)
    try:
        database = Database.open(url, ring)
        try:
            upgrade(database)
            check_keys(database)
        except BaseException:
            database.close()
            raise
    except (DatabaseError, WrongKey) as wrong:
        # Keys that were just made for a database that cannot be used would only confuse the next start.
        if written is not None:
            written.unlink(missing_ok=True)
        fits = "The keys do not fit the database: " if isinstance(wrong, WrongKey) else ""
        raise SettingsError(f"{fits}{wrong}") from None
    return database, written


def existing_database(url: str, environment: Mapping[str, str]) -> Database | None:
    """The database as it is, without creating or upgrading anything; None where there is none yet."""
    file = _file_of(url)
    if file is not None and not file.exists():
        return None
    ring, _written = keys(url, environment)
    try:
        database = Database.open(url, ring)
        if pending(database):
            database.close()
            raise SettingsError("The database is from an older version: the next start upgrades it.")
    except DatabaseError as wrong:
        raise SettingsError(str(wrong)) from None
    return database


def rotate_keys(url: str, environment: Mapping[str, str]) -> tuple[int, Path]:
    """Encrypts every row with a fresh key; the old key goes once nothing needs it any more."""
    import storage.web_messages  # noqa: F401  # its table is rotated too
    from storage.models import Base

    file = key_file_of(url)
    if environment.get(ENVIRONMENT):
        raise SettingsError(f"The keys come from {ENVIRONMENT}. Put them into {file} to rotate them.")
    present = _file_of(url)
    if not file.exists() or (present is not None and not present.exists()):
        raise SettingsError(f"There is nothing to rotate: {file} or the database is missing.")
    try:
        ring = load_ring(file, environment)
        # A rotation that was broken off has left two keys: go on with it.
        if len(ring.data) == 1:
            ring = ring.rotated()
            write_ring_file(file, ring)
        database = Database.open(url, ring)
        try:
            upgrade(database)
            rows = rotate(database, Base)
        finally:
            database.close()
        write_ring_file(file, ring.without_old())
    except (KeyFileError, DatabaseError, WrongKey) as wrong:
        raise SettingsError(str(wrong)) from None
    return rows, file


def _file_of(url: str) -> Path | None:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError("The address of the database is not understood.") from None
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return Path(str(parsed.database))
    return None
