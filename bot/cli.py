"""The command line: every command says what it does, and every mistake is one line."""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from bot import logs
from bot.contact_point import ContactPoint
from bot.settings import SettingsError, contact_points, erasure_file_of, key_file_of, open_database
from storage.database import Database, DatabaseError
from storage.file_lock import alone as having_alone

if TYPE_CHECKING:
    from bot.telegram_bots import Token

DATABASE = "sqlite:///data/anlaufstelle.db"
NOBODY_READS = 141
"""The exit code when whoever read the output is gone, as of every program in a pipe."""


class OneLine(click.ClickException):
    """A mistake in what was asked for; nothing was changed."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        for line in self.format_message().splitlines():
            click.echo(f"anlaufstelle: {line}", err=True)


def stop(error: Exception) -> NoReturn:
    """Ends the command with one line for each mistake."""
    raise OneLine(str(error))


database_option = click.option(
    "--database", "url", default=DATABASE, show_default=True, metavar="URL", envvar="ANLAUFSTELLE_DATABASE",
    help="Where everything is kept. A password is better kept in the environment variable ANLAUFSTELLE_DATABASE.",
)  # fmt: skip
config_option = click.option(
    "--config",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    envvar="ANLAUFSTELLE_CONFIG",
    help="One file per contact point. Default: the sample of the Oberbergischer Kreis.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="anlaufstelle")
def cli() -> None:
    """The chat-bot of a municipal conflict contact point.

    To see it: anlaufstelle demo
    """


@cli.command()
@database_option
@config_option
@click.option("--clock", type=click.Choice(["system", "manual"]), default="system", show_default=True,
              help="manual: time stands still until a line {\"id\": …, \"now\": …} moves it.")  # fmt: skip
@click.option("--media", type=click.Choice(["off", "on"]), default="off", show_default=True,
              help="on: photos and files are kept for the desk, as a contact point may allow.")  # fmt: skip
def pipe(url: str, folder: Path | None, clock: str, media: str) -> None:
    """Speak JSON lines on standard input and output, for scripts and bridges."""
    from bot.pipe import run_pipe

    logs.set_up()
    database, points = _open(url, folder)
    if media == "on":
        points = {name: replace(point, media=replace(point.media, allowed=True)) for name, point in points.items()}
    try:
        _run(run_pipe(database, points, manual_clock=clock == "manual", erasures=erasure_file_of(url)), database)
    except BrokenPipeError:
        # At once, as a signal would: the thread that reads the input could be waited for in vain.
        os._exit(NOBODY_READS)


def _open(url: str, folder: Path | None, *, aside: bool = True) -> tuple[Database, dict[str, ContactPoint]]:
    """Everything checked at start; a mistake is one line and exit code 2. News go to standard error, or not `aside`."""
    try:
        points = contact_points(folder)
        database, written = open_database(url, os.environ, alone=True)
    except SettingsError as wrong:
        stop(wrong)
    if written:
        click.echo(f"New keys are in {written}. Keep a copy in a safe place.", err=aside)
    return database, points


@cli.command()
@config_option
@click.option("--data", "data", type=click.Path(path_type=Path), default=Path("data/demo"), show_default=True,
              metavar="DIR", help="Where the demonstration keeps its database and keys.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=8088, show_default=True, help="0: any free port.")
@click.option("--fresh", is_flag=True, help="Forget everything from earlier demonstrations first.")
def demo(folder: Path | None, data: Path, port: int, fresh: bool) -> None:
    """Show the bot in the browser: a phone, the desk, and time controls.

    Everything it needs is created in the data folder. Nothing leaves this computer.
    """
    from bot.serve import run_demo

    logs.set_up()
    if fresh and data.exists():
        try:
            with having_alone(data / "demo.db"):
                for name in (
                    "demo.db",
                    "demo.db-wal",
                    "demo.db-shm",
                    "demo.keys",
                    "demo.db.before-upgrade",
                    "demo.db.erasures",
                ):
                    (data / name).unlink(missing_ok=True)
        except DatabaseError as wrong:
            stop(wrong)
    database, points = _open(f"sqlite:///{data / 'demo.db'}", folder)

    def ready(address: str) -> None:
        click.echo(f"Open {address} in a browser. Stop with Ctrl+C.")

    _run(run_demo(database, points, port, ready), database)


@cli.command()
@database_option
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--origin", metavar="URL", envvar="ANLAUFSTELLE_ORIGIN", help="How browsers reach the page, as "
              "https://chat.example.org. Default: this computer only.")  # fmt: skip
@click.option(
    "--staff-key",
    "key_file",
    type=click.Path(path_type=Path),
    default=Path("data/staff.key"),
    show_default=True,
    metavar="FILE",
    help="The key that opens the desks; written if it is missing.",
)
@click.option("--operations", metavar="HOST:PORT", help="Tell there how the bot is: /healthz, /readyz, /metrics; "
              "not for the public. Default: nowhere.")  # fmt: skip
@click.option("--log", "style", type=click.Choice(["json", "text"]), default="json", show_default=True,
              help="How a line of the log looks.")  # fmt: skip
def run(
    url: str,
    folder: Path | None,
    host: str,
    port: int,
    origin: str | None,
    key_file: Path,
    operations: str | None,
    style: logs.Style,
) -> None:
    """Serve real reporters on the web page, and the desks for staff.

    Put a web server with https in front of it; the bot itself listens on this computer only. What to watch and what
    to do is told in docs/operating.md.
    """
    from bot.serve import Address, run_service, staff_key
    from bot.settings import telegram_tokens

    logs.set_up(style, loud=True)
    try:
        watched = Address.read(operations, "--operations") if operations else None
    except SettingsError as wrong:
        stop(wrong)
    database, points = _open(url, folder, aside=False)
    try:
        key, written = staff_key(key_file)
        tokens = telegram_tokens(points, url, os.environ)
    except SettingsError as wrong:
        database.close()
        stop(wrong)
    if written:
        click.echo(f"The key for the desks is in {key_file}. Give it to staff only.")

    def ready(address: str, told: str) -> None:
        click.echo(f"Reporters: {origin or address}/  Staff: {origin or address}/desk?desk={next(iter(points))}")
        if told:
            click.echo(f"Operations: {told}/readyz")

    page, desks = Address(host, port), dict.fromkeys(points, key)
    service = run_service(
        database, points, page, origin or f"http://{host}:{port}", desks, watched, ready, erasure_file_of(url), tokens
    )
    _run(service, database)


def _run(service: Coroutine[Any, Any, None], database: Database) -> None:
    # What was loaded stays for good: looking through it for garbage again and again is lost time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    try:
        asyncio.run(service)
    except SettingsError as wrong:
        stop(wrong)
    finally:
        database.close()


@cli.command()
@click.argument("transcript", type=click.Path(path_type=Path))
@config_option
@click.option(
    "--language", metavar="CODE", help="What the messenger hints at. Default: the name of the file's folder, or en."
)
def play(transcript: Path, folder: Path | None, language: str | None) -> None:
    """Play a TRANSCRIPT file against a fresh bot and show where it differs.

    \b
    at 2026-11-24 09:00
    ana: /start
    bot: Which language would you like to use? …
    """
    from bot.languages import LANGUAGES
    from bot.play import TranscriptError, play_file

    logs.set_up()
    with tempfile.TemporaryDirectory() as scratch:
        database, points = _open_quietly(f"sqlite:///{scratch}/play.db", folder)
        try:
            hint = language or (transcript.parent.name if transcript.parent.name in LANGUAGES else "en")
            differences = asyncio.run(play_file(transcript, database, points, hint))
        except TranscriptError as wrong:
            stop(wrong)
        finally:
            database.close()
    for difference in differences:
        click.echo(str(difference))
    if differences:
        raise SystemExit(1)
    click.echo("The bot says what the transcript says.")


def _open_quietly(url: str, folder: Path | None) -> tuple[Database, dict[str, ContactPoint]]:
    try:
        return open_database(url, os.environ)[0], contact_points(folder)
    except SettingsError as wrong:
        stop(wrong)


@cli.command()
@database_option
@config_option
def check(url: str, folder: Path | None) -> None:
    """Say what is wrong or needs care: configuration, database, keys, old help lines, unsent messages."""
    from bot.check import Finding, check_configuration, check_database
    from bot.now import system_time
    from bot.settings import existing_database, telegram_tokens

    now = system_time()
    try:
        points = contact_points(folder)
        findings = list(check_configuration(points, now))
        try:
            approved = [points[name] for name in telegram_tokens(points, url, os.environ)]
            findings += [
                Finding(True, f"{each.id}: Telegram, approved by {each.telegram.approved_by}") for each in approved
            ]
        except SettingsError as wrong:
            findings.append(Finding(False, str(wrong)))
        findings += [
            Finding(True, f"{each.id}: Matrix, {each.matrix.user}; more says: anlaufstelle matrix check")
            for each in points.values()
            if each.matrix.allowed
        ]
        database = existing_database(url, os.environ)
    except SettingsError as wrong:
        stop(wrong)
    if database is not None:
        try:
            findings += check_database(database, points, now)
        finally:
            database.close()
    for finding in findings:
        click.echo(f"{'ok  ' if finding.ok else 'LOOK'}  {finding.text}")
    if database is None:
        click.echo("ok    database: none yet, the first start creates it")
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


@cli.command()
@database_option
@config_option
@click.option("--dry-run", is_flag=True, help="Only count; nothing is deleted.")
def retention(url: str, folder: Path | None, dry_run: bool) -> None:
    """Delete what has been kept long enough, and say how much.

    The running bot does this every night. The periods stand in the contact points' files.
    """
    from bot.now import system_time
    from bot.retention import LABELS, erasures_since, run
    from bot.settings import erasure_file_of, existing_database
    from storage.erasures import ListUnreadable

    now = system_time()
    try:
        points = contact_points(folder)
        database = existing_database(url, os.environ)
    except SettingsError as wrong:
        stop(wrong)
    if database is None:
        stop(SettingsError("There is no database yet, and so nothing to delete."))
    try:
        counts = run(database, points, now, dry_run)
        if not dry_run:
            erasure_file_of(url).write(database, erasures_since(points, now))
    except (DatabaseError, ListUnreadable, OSError) as wrong:
        stop(wrong)
    finally:
        database.close()
    for name, count in counts:
        click.echo(f"{count:>8}  {LABELS[name]}")
    if dry_run:
        click.echo("Nothing was deleted: this was a rehearsal.")


@cli.command()
@database_option
@config_option
@click.option("--to", "into", type=click.Path(path_type=Path), metavar="DIR",
              help="Default: the folder backups beside the database.")  # fmt: skip
def backup(url: str, folder: Path | None, into: Path | None) -> None:
    """Copy the database into one file, while the bot runs.

    The keys are not in it: keep a copy of the key file in another place, or the backup is worthless.
    """
    from bot.now import system_time
    from bot.retention import backup_days
    from bot.settings import present_keys
    from storage.backup import BackupError, back_up, backups_in, folder_of, old_files
    from storage.undisturbed import undisturbed

    now = system_time()
    try:
        points, ring = contact_points(folder), present_keys(url, os.environ)
        into = into or folder_of(url)
        with undisturbed(url, patience=60):
            made = back_up(url, ring, into, now)
        old = old_files(backups_in(into), now - timedelta(days=backup_days(points)))
        for each in old:
            each.unlink(missing_ok=True)
    except (SettingsError, BackupError, DatabaseError) as wrong:
        stop(wrong)
    except OSError as wrong:
        stop(SettingsError(f"The backup is made, but not everything around it: {wrong.strerror}."))
    click.echo(f"{made}")
    click.echo(f"The keys are not in it: keep a copy of {key_file_of(url, os.environ)} in another place.", err=True)
    if old:
        click.echo(f"Older than {backup_days(points)} days, and deleted: {len(old)}", err=True)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@database_option
@config_option
@click.option("--erasures-lost", is_flag=True,
              help="Go on although it cannot be known what was erased after the backup.")  # fmt: skip
def restore(file: Path, url: str, folder: Path | None, erasures_lost: bool) -> None:
    """Put the state of a backup FILE in the place of the database. Stop the bot first.

    What was erased after the backup is erased again. The database as it was is kept aside.
    """
    from bot.now import system_time
    from bot.restoring import restore as put_back
    from bot.retention import backup_days
    from bot.settings import present_keys
    from storage.backup import BackupError

    try:
        points, ring = contact_points(folder), present_keys(url, os.environ)
        done = put_back(url, file, ring, points, erasure_file_of(url), system_time(), erasures_lost=erasures_lost)
    except (SettingsError, BackupError) as wrong:
        stop(wrong)
    click.echo(f"Restored: the state of {done.made_at:%Y-%m-%d %H:%M} UTC. What came later is gone.")
    click.echo(f"Erased again: {done.erased_again}. Not sent a second time: {done.silenced}.")
    if done.aside:
        click.echo(f"The database as it was: {done.aside}. Delete it within {backup_days(points)} days.")


@cli.group()
def telegram() -> None:
    """The bots of Telegram, where a contact point allows it."""


@telegram.command("setup")
@database_option
@config_option
def telegram_setup(url: str, folder: Path | None) -> None:
    """Tell Telegram the commands and descriptions in every language, and say what that changed."""
    from bot.telegram_setup import set_up

    points, tokens = _telegram(url, folder)
    try:
        for line in asyncio.run(set_up(points, tokens)):
            click.echo(line)
    except SettingsError as wrong:
        stop(wrong)


@telegram.command("desk")
@click.argument("contact_point")
@database_option
@config_option
def telegram_desk(contact_point: str, url: str, folder: Path | None) -> None:
    """Print a link that makes a group of Telegram the desk of CONTACT_POINT. It works once, for a day."""
    from bot.now import system_time
    from bot.settings import existing_database
    from bot.telegram_setup import desk_link

    points, tokens = _telegram(url, folder)
    try:
        if contact_point not in tokens:
            stop(SettingsError(f"{contact_point}: Telegram is not allowed there, or there is no such contact point."))
        if points[contact_point].telegram.desk_content == "none":
            stop(SettingsError(f'{contact_point}: no group is told anything: desk_content in [telegram] is "none".'))
        database = existing_database(url, os.environ)
    except SettingsError as wrong:
        stop(wrong)
    if database is None:
        stop(SettingsError("There is no database yet: start the bot first."))
    try:
        link = desk_link(database, points[contact_point], tokens[contact_point], system_time())
    except SettingsError as wrong:
        stop(wrong)
    finally:
        database.close()
    click.echo(link)


def _telegram(url: str, folder: Path | None) -> tuple[dict[str, ContactPoint], Mapping[str, Token]]:
    from bot.settings import telegram_tokens

    logs.set_up()
    try:
        points = contact_points(folder)
        tokens = telegram_tokens(points, url, os.environ)
    except SettingsError as wrong:
        stop(wrong)
    if not tokens:
        stop(SettingsError("No contact point allows Telegram: there is no [telegram] in its file."))
    return points, tokens


@cli.group()
def matrix() -> None:
    """The accounts on Matrix, where a contact point has one."""


@matrix.command("login")
@click.argument("contact_point")
@click.option(
    "--password",
    envvar="ANLAUFSTELLE_MATRIX_PASSWORD",
    prompt="Password of the account",
    hide_input=True,
    help="Asked for, or from ANLAUFSTELLE_MATRIX_PASSWORD. It is not kept.",
)
@database_option
@config_option
def matrix_login(contact_point: str, password: str, url: str, folder: Path | None) -> None:
    """Log the account of CONTACT_POINT in, on a new device that it vouches for. Once, while the bot is stopped."""
    from bot.matrix_setup import log_in
    from bot.now import system_time

    with _on_matrix(contact_point, url, folder) as (database, point):
        for line in asyncio.run(log_in(database, point, password, system_time())):
            click.echo(line)


@matrix.command("check")
@database_option
@config_option
def matrix_check(url: str, folder: Path | None) -> None:
    """Say how others see the bot: its device, its rooms, the desk's room, and what is wrong."""
    from bot.matrix_setup import check as look

    findings = []
    for key in [key for key, point in _points_of(folder).items() if point.matrix.allowed]:
        with _on_matrix(key, url, folder, alone=False) as (database, point):
            findings += asyncio.run(look(database, point))
    for each in findings:
        click.echo(f"{'ok  ' if each.ok else 'LOOK'} {each.text}")
    if not findings:
        stop(SettingsError("No contact point has an account on Matrix: there is no [matrix] in its file."))
    if not all(each.ok for each in findings):
        raise SystemExit(1)


@matrix.command("desk")
@click.argument("contact_point")
@click.argument("staff", nargs=-1)
@database_option
@config_option
def matrix_desk(contact_point: str, staff: tuple[str, ...], url: str, folder: Path | None) -> None:
    """Make an encrypted room the desk of CONTACT_POINT and invite STAFF, like @kim:example.org."""
    from bot.matrix_setup import make_desk

    with _on_matrix(contact_point, url, folder) as (database, point):
        room = asyncio.run(make_desk(database, point, staff))
        click.echo(f"{contact_point}: the desk is the room {room}, invited: {len(staff)}")


def _points_of(folder: Path | None) -> dict[str, ContactPoint]:
    logs.set_up()
    try:
        return contact_points(folder)
    except SettingsError as wrong:
        stop(wrong)


@contextmanager
def _on_matrix(
    contact_point: str, url: str, folder: Path | None, *, alone: bool = True
) -> Iterator[tuple[Database, ContactPoint]]:
    """The database and the contact point; a mistake is one line. `alone`: not while the bot is running."""
    point = _points_of(folder).get(contact_point)
    if point is None or not point.matrix.allowed:
        stop(SettingsError(f"{contact_point}: there is no [matrix] in its file, or no such contact point."))
    database = _open(url, folder)[0] if alone else _open_quietly(url, folder)[0]
    try:
        yield database, point
    except SettingsError as wrong:
        stop(wrong)
    finally:
        database.close()


@cli.group()
def pool() -> None:
    """The profiles of the intervention pool, as a file that any spreadsheet opens."""


contact_point_option = click.option(
    "--contact-point", "wanted", metavar="ID", help="Whose pool it is; needed where there are several."
)


@pool.command("export")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@contact_point_option
@database_option
@config_option
def pool_export(file: Path | None, wanted: str | None, url: str, folder: Path | None) -> None:
    """Write everybody who is in the pool into FILE, or to standard output. An empty pool is a form to fill in.

    Names stand in it: keep it where nobody else reads it, and delete it after use.
    """
    from bot.pool.exchange import export
    from storage.files import written_anew

    with _pool_of(wanted, url, folder) as (database, point):
        with database.transaction(point.id) as session:
            written = export(session, point)
        if file is None or file == Path("-"):
            click.echo(written, nl=False)
            return
        try:
            written_anew(file, written.decode())
        except OSError as wrong:
            stop(SettingsError(f"{file} cannot be written: {wrong.strerror}."))


@pool.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@contact_point_option
@database_option
@config_option
def pool_import(file: Path, wanted: str | None, url: str, folder: Path | None) -> None:
    """Take the profiles of FILE over: all of them, or none and every fault by row and column.

    Rows are known by their pool number; a row without one is somebody new, so export again afterwards. Who is not in
    the file stays as before.
    """
    from bot.i18n import render
    from bot.pool.exchange import Faulty, take_in

    with _pool_of(wanted, url, folder) as (database, point):
        try:
            data = file.read_bytes()
        except OSError as wrong:
            stop(SettingsError(f"{file} cannot be read: {wrong.strerror}."))
        try:
            with database.transaction(point.id) as session:
                taken = take_in(session, point, data)
        except Faulty as wrong:
            rows = [_fault(each.row, each.column, render(each.reason, "en")) for each in wrong.faults]
            stop(SettingsError("\n".join((*rows, "Nothing was changed."))))
    click.echo(f"New: {taken.new}. Changed: {taken.changed}. Unchanged: {taken.unchanged}.")
    if taken.missing:
        click.echo(f"Not in the file, and left as they are: {taken.missing}.")


def _fault(row: int, column: str, reason: str) -> str:
    return " ".join(f"row {row}, {f'{column}: ' if column else ''}{reason}".split())


@contextmanager
def _pool_of(wanted: str | None, url: str, folder: Path | None) -> Iterator[tuple[Database, ContactPoint]]:
    from bot.settings import existing_database

    points = _points_of(folder)
    if wanted is None and len(points) > 1:
        stop(SettingsError(f"There are several contact points. Say which: --contact-point {' | '.join(points)}"))
    point = points.get(wanted or next(iter(points)))
    if point is None:
        stop(SettingsError(f"There is no contact point {wanted}. Known: {', '.join(points)}"))
    try:
        database = existing_database(url, os.environ)
    except SettingsError as wrong:
        stop(wrong)
    if database is None:
        stop(SettingsError("There is no database yet: start the bot first."))
    try:
        yield database, point
    finally:
        database.close()


@cli.group()
def keys() -> None:
    """The keys that keep what people wrote secret."""


@keys.command()
@click.argument("file", type=click.Path(path_type=Path))
def new(file: Path) -> None:
    """Write fresh keys into FILE, for a service manager that hands them over.

    Otherwise the first start writes them by itself, beside the database.
    """
    from storage.keys import KeyFileError, create_ring_file

    try:
        create_ring_file(file)
    except KeyFileError as wrong:
        stop(wrong)
    click.echo(f"New keys are in {file}. Keep a copy in a safe place.")


@keys.command()
@database_option
def rotate(url: str) -> None:
    """Encrypt everything with a fresh key and drop the old one.

    The bot may run, and takes over the new key by itself. Killed in the middle, it can simply be called again.
    """
    from bot.settings import rotate_keys

    try:
        rows, file = rotate_keys(url, os.environ)
    except SettingsError as wrong:
        stop(wrong)
    click.echo(f"{rows} rows encrypted anew. The new keys are in {file}; copies of the old ones open old backups only.")


@cli.command()
@config_option
@click.option("--language", default="en", show_default=True, metavar="CODE")
@click.option("--into", type=click.Path(path_type=Path), default=Path("docs/flows.md"), show_default=True)
def flows(folder: Path | None, language: str, into: Path) -> None:
    """Draw every conversation as a Mermaid diagram from its declaration."""
    from bot.diagrams import draw
    from bot.flows import FLOWS
    from bot.languages import LANGUAGES

    if language not in LANGUAGES:
        stop(SettingsError(f'There is no language "{language}". Known: {", ".join(LANGUAGES)}'))
    try:
        point = next(iter(contact_points(folder).values()))
        into.parent.mkdir(parents=True, exist_ok=True)
        into.write_text(draw(FLOWS, point, language), "utf-8")
    except SettingsError as wrong:
        stop(wrong)
    except OSError as wrong:
        stop(SettingsError(f"{into} cannot be written: {wrong.strerror}."))
    click.echo(f"Drawn into {into}.")


def main() -> None:
    """The entry point of the installed command."""
    logs.catch_everything()
    cli()


if __name__ == "__main__":
    main()
