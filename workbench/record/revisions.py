"""Revisions are the formats the record has had, in order; records are made and migrated through Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, make_url

from workbench.record import refusals, sqlite
from workbench.record.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["HEAD", "REVISIONS", "check", "check_current", "config", "create", "migrate", "upgrade"]

REVISIONS = ("0001",)
"""Every revision in ``migrations/versions``, the oldest first; written here so that opening needs no Alembic."""

HEAD = REVISIONS[-1]
"""The revision this version reads and writes."""


def check(database: Database) -> str:
    """Return the revision of a record that is this version's or an older one.

    Raises:
        RecordError: it is newer than this version, or no record at all.
    """
    found = database.revisions()
    if len(found) != 1:
        raise refusals.not_a_record(database.where)
    if found[0] not in REVISIONS:
        raise refusals.newer(database.where, found[0], HEAD)
    return found[0]


def check_current(database: Database) -> None:
    """Refuse what isn't exactly of the format this version works with.

    Raises:
        RecordError: it is newer, older, or no record at all.
    """
    found = check(database)
    if found != HEAD:
        raise refusals.older(database.where, found, HEAD)


def config() -> Config:
    """Return Alembic's configuration; the migrations lie beside this file, in a checkout and in a wheel."""
    from alembic.config import Config  # noqa: PLC0415 - a second to import, and only making and migrating need it

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return made


def create(url: str | URL) -> None:
    """Make an empty record where nothing is.

    Raises:
        RecordError: something is there.
        StorageError: it can't be written; nothing is left behind.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        database = Database(parsed)
        try:
            if database.revisions():
                raise refusals.exists(database.where)
            upgrade(database)
        finally:
            database.close()
        return
    path = sqlite.file_of(parsed)
    try:
        path.open("x").close()
    except FileExistsError:
        raise refusals.exists(str(path)) from None
    except OSError as error:
        raise refusals.unreachable(str(path), error.strerror or str(error)) from error
    database = Database(parsed)
    try:
        upgrade(database)
    except BaseException:
        database.close()
        for file in (path, *sqlite.sidecars(path)):
            file.unlink(missing_ok=True)
        raise
    database.close()


def migrate(url: str | URL) -> list[str]:
    """Bring an older record to `HEAD` and return the revisions it went through."""
    database = Database(url)
    try:
        found = check(database)
        steps = list(REVISIONS[REVISIONS.index(found) + 1 :])
        if steps:
            upgrade(database)
        return steps
    finally:
        database.close()


def upgrade(database: Database) -> None:
    """Bring the database to `HEAD` in one transaction: all of it, or nothing."""
    from alembic import command  # noqa: PLC0415 - as above

    settings = config()
    with database.transaction() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, HEAD)
