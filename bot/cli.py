"""The command line: every command says what it does, and every mistake is one line."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import click

from bot.contact_point import ContactPoint
from bot.settings import SettingsError, contact_points, key_file_of, open_database
from storage.database import Database, DatabaseError

DATABASE = "sqlite:///data/anlaufstelle.db"


class OneLine(click.ClickException):
    """A mistake in what was asked for; nothing was changed."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        for line in self.format_message().splitlines():
            click.echo(f"anlaufstelle: {line}", err=True)


def stop(error: Exception) -> NoReturn:
    """Ends the command with one line for each mistake."""
    raise OneLine(str(error))


def _log_to_stderr(*, loud: bool = False) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if loud else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)


database_option = click.option(
    "--database", "url", default=DATABASE, show_default=True, metavar="URL", help="Where everything is kept."
)
config_option = click.option(
    "--config",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
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

    _log_to_stderr()
    database, points = _open(url, folder)
    if media == "on":
        points = {name: replace(point, media=replace(point.media, allowed=True)) for name, point in points.items()}
    _run(run_pipe(database, points, manual_clock=clock == "manual"), database)


def _open(url: str, folder: Path | None) -> tuple[Database, dict[str, ContactPoint]]:
    """Everything checked at start; a mistake is one line and exit code 2."""
    try:
        points = contact_points(folder)
        database, written = open_database(url, os.environ)
    except SettingsError as wrong:
        stop(wrong)
    if written:
        click.echo(f"New keys are in {written}. Keep a copy in a safe place.", err=True)
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

    _log_to_stderr()
    if fresh:
        for name in (
            "demo.db",
            "demo.db-wal",
            "demo.db-shm",
            "demo.keys",
            "demo.db.before-upgrade",
            "demo.db.erasures",
        ):
            (data / name).unlink(missing_ok=True)
    database, points = _open(f"sqlite:///{data / 'demo.db'}", folder)

    def ready(address: str) -> None:
        click.echo(f"Open {address} in a browser. Stop with Ctrl+C.")

    _run(run_demo(database, points, port, ready), database)


@cli.command()
@database_option
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--origin", metavar="URL", help="How browsers reach the page, as https://chat.example.org. "
              "Default: this computer only.")  # fmt: skip
@click.option(
    "--staff-key",
    "key_file",
    type=click.Path(path_type=Path),
    default=Path("data/staff.key"),
    show_default=True,
    metavar="FILE",
    help="The key that opens the desks; written if it is missing.",
)
def run(url: str, folder: Path | None, host: str, port: int, origin: str | None, key_file: Path) -> None:
    """Serve real reporters on the web page, and the desks for staff.

    Put a web server with https in front of it; the bot itself listens on this computer only.
    """
    from bot.serve import run_service, staff_key

    _log_to_stderr(loud=True)
    database, points = _open(url, folder)
    try:
        key, written = staff_key(key_file)
    except SettingsError as wrong:
        database.close()
        stop(wrong)
    if written:
        click.echo(f"The key for the desks is in {key_file}. Give it to staff only.", err=True)

    def ready(address: str) -> None:
        click.echo(f"Reporters: {origin or address}/  Staff: {origin or address}/desk?desk={next(iter(points))}")

    service = run_service(
        database, points, host, port, origin or f"http://{host}:{port}", dict.fromkeys(points, key), ready
    )
    _run(service, database)


def _run(service: Coroutine[Any, Any, None], database: Database) -> None:
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

    _log_to_stderr()
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
    from bot.check import check_configuration, check_database
    from bot.now import system_time
    from bot.settings import existing_database

    now = system_time()
    try:
        findings = list(check_configuration(contact_points(folder), now))
        database = existing_database(url, os.environ)
    except SettingsError as wrong:
        stop(wrong)
    if database is not None:
        try:
            findings += check_database(database, now)
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

    now = system_time()
    try:
        points, ring = contact_points(folder), present_keys(url, os.environ)
        into = into or folder_of(url)
        made = back_up(url, ring, into, now)
        old = old_files(backups_in(into), now - timedelta(days=backup_days(points)))
        for each in old:
            each.unlink(missing_ok=True)
    except (SettingsError, BackupError) as wrong:
        stop(wrong)
    except OSError as wrong:
        stop(SettingsError(f"The backup is made, but not everything around it: {wrong.strerror}."))
    click.echo(f"{made}")
    click.echo(f"The keys are not in it: keep a copy of {key_file_of(url)} in another place.", err=True)
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
    from bot.settings import erasure_file_of, present_keys
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
def keys() -> None:
    """The keys that keep what people wrote secret."""


@keys.command()
@database_option
def rotate(url: str) -> None:
    """Encrypt everything with a fresh key and drop the old one.

    Stop the bot first. Killed in the middle, it can simply be called again.
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
    cli()


if __name__ == "__main__":
    main()
