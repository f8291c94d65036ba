"""What an installation consists of: its database, its keys, its contact points; checked at start (rule 7)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from bot.contact_point import ContactPoint
from bot.contact_point_file import ContactPointError, load_contact_point, load_contact_points, shipped
from bot.languages import LANGUAGES
from storage.database import NOT_UNDERSTOOD, Database, DatabaseError
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
from storage.migrate import is_empty, pending, upgrade
from storage.outage import is_away
from storage.rotation import NotTakenOver, rotate, wait_for_others
from storage.sqlite import file_of
from storage.undisturbed import undisturbed

if TYPE_CHECKING:
    from bot.telegram_bots import Token

SAMPLE = "oberberg.toml"
KEYS = "anlaufstelle.keys"
"""The name of the keys as a systemd credential, and of their file where there is no database file beside it."""


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


def key_file_of(url: str, environment: Mapping[str, str]) -> Path:
    """Where the keys lie: where systemd hands them over, or beside a SQLite file, never inside it."""
    if (handed_over := _credential(environment)) is not None:
        return handed_over
    database = _file_of(url)
    return database.with_suffix(".keys") if database else Path(KEYS)


def _credential(environment: Mapping[str, str]) -> Path | None:
    folder = environment.get("CREDENTIALS_DIRECTORY")
    file = Path(folder) / KEYS if folder else None
    return file if file is not None and file.exists() else None


def keys(url: str, environment: Mapping[str, str]) -> tuple[KeyRing, Path | None]:
    """The keys, and the file they were just written to if this is the first run."""
    file = key_file_of(url, environment)
    try:
        if there := _keys_that_are_there(file, environment):
            return there, None
        present = _file_of(url)
        if present is not None and present.is_file() and present.stat().st_size > 0:
            raise SettingsError(_missing_keys(file, f"the database {present} exists"))
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
        return load_ring(key_file_of(url, environment), environment)
    except KeyFileError as wrong:
        raise SettingsError(str(wrong)) from None


def telegram_tokens(
    points: Mapping[str, ContactPoint], url: str, environment: Mapping[str, str]
) -> Mapping[str, Token]:
    """The tokens of the contact points that allow Telegram, from the environment or beside the keys."""
    if not any(point.telegram.allowed for point in points.values()):
        # Who does without Telegram does not wait for its library.
        return {}
    from bot.telegram_bots import NoToken, tokens

    try:
        return tokens(points, environment, key_file_of(url, environment).parent)
    except NoToken as wrong:
        raise SettingsError(str(wrong)) from None


def _keys_that_are_there(file: Path, environment: Mapping[str, str]) -> KeyRing | None:
    if environment.get(ENVIRONMENT) or file.exists():
        return load_ring(file, environment)
    return None


def open_database(url: str, environment: Mapping[str, str], *, alone: bool = False) -> tuple[Database, Path | None]:
    """The database, new or upgraded, and the key file if it was just written.

    `alone`: no other process works on the same SQLite file until it is closed.
    """
    ring, written = keys(url, environment)
    try:
        database = Database.open(url, ring)
        try:
            _follow_keys(database, url, environment)
            if alone:
                database.hold_alone()
            upgrade(database)
            check_keys(database)
        except BaseException:
            database.close()
            raise
    except (DatabaseError, WrongKey) as wrong:
        # Keys that were just made for a database that cannot be used would only confuse the next start.
        if written is not None:
            written.unlink(missing_ok=True)
            if isinstance(wrong, WrongKey):
                raise SettingsError(_missing_keys(written, "the database is in use")) from None
        fits = "The keys do not fit the database: " if isinstance(wrong, WrongKey) else ""
        raise SettingsError(f"{fits}{wrong}") from None
    return database, written


def _follow_keys(database: Database, url: str, environment: Mapping[str, str]) -> None:
    if not environment.get(ENVIRONMENT):
        database.follow_keys(key_file_of(url, environment))


def existing_database(url: str, environment: Mapping[str, str]) -> Database | None:
    """The database as it is, without creating or upgrading anything; None where there is none yet."""
    file = _file_of(url)
    if file is not None and not file.exists():
        return None
    keys_file = key_file_of(url, environment)
    try:
        ring = _keys_that_are_there(keys_file, environment)
        # Nothing is read with keys that are made up: whether there is something to read is all that they show.
        database = Database.open(url, ring or KeyRing.new())
        try:
            if ring is not None:
                _follow_keys(database, url, environment)
            if is_empty(database):
                database.close()
                return None
            if pending(database):
                raise SettingsError("The database is from an older version: the next start upgrades it.")
            if ring is None:
                raise SettingsError(_missing_keys(keys_file, "the database is in use"))
        except BaseException:
            database.close()
            raise
    except (DatabaseError, KeyFileError) as wrong:
        raise SettingsError(str(wrong)) from None
    return database


def _missing_keys(file: Path, why: str) -> str:
    return (
        f"The key file {file} is missing, but {why}: bring the key file back. "
        "Without it nothing in the database can be read."
    )


def rotate_keys(url: str, environment: Mapping[str, str]) -> tuple[int, Path]:
    """Encrypts every row with a fresh key, while the bot runs; the old key goes once nothing needs it any more."""
    file = key_file_of(url, environment)
    if environment.get(ENVIRONMENT):
        raise SettingsError(f"The keys come from {ENVIRONMENT}. Put them into {file} to rotate them.")
    present = _file_of(url)
    if not file.exists() or (present is not None and not present.exists()):
        raise SettingsError(f"There is nothing to rotate: {file} or the database is missing.")
    try:
        with undisturbed(url):
            return _rotate(url, file), file
    except (KeyFileError, DatabaseError, WrongKey, NotTakenOver) as wrong:
        raise SettingsError(str(wrong)) from None
    except DBAPIError as away:
        if not is_away(away):
            raise
        raise SettingsError("The database does not answer. Nothing is lost: call this once more.") from None


def _rotate(url: str, file: Path) -> int:
    from storage.tables import Base

    ring = load_ring(file, {})
    # Before the key file is touched: whatever is wrong, nothing is changed.
    database = Database.open(url, ring)
    try:
        if pending(database):
            raise SettingsError("The database is from an older version: the next start of the bot upgrades it.")
        check_keys(database)
    finally:
        database.close()
    # A rotation that was broken off has left two keys: go on with it.
    if len(ring.data) == 1:
        ring = ring.rotated()
        write_ring_file(file, ring)
    database = Database.open(url, ring)
    try:
        wait_for_others(database)
        rows = rotate(database, Base)
        # The file may be held alone until here: whoever starts now reads the new key only.
        write_ring_file(file, ring.without_old())
    finally:
        database.close()
    return rows


def _file_of(url: str) -> Path | None:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingsError(NOT_UNDERSTOOD) from None
    return file_of(parsed)
