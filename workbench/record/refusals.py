"""Refusals are the sentences with which the record says no: each names what, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.errors import InvalidError, RecordError, StorageError

__all__ = [
    "already",
    "busy",
    "damaged",
    "disk",
    "exists",
    "full",
    "illegal_step",
    "missing",
    "needs_reason",
    "newer",
    "no_driver",
    "no_file",
    "not_a_record",
    "older",
    "only_measured",
    "unreachable",
    "withdrawn",
]


def missing(where: str) -> RecordError:
    """There is nothing at that address."""
    return RecordError(f"there is no record at {where}", do="Check the path, or make a workspace with workbench init")


def no_file(url: str) -> RecordError:
    """A record in memory would be lost with the program."""
    return RecordError(f"{url} names no file, so that nothing would be kept", do="Name one: sqlite:////path/records.db")


def no_driver(where: str, why: str) -> RecordError:
    """The library that speaks with that database isn't there."""
    return RecordError(
        f"the record at {where} needs a driver that is not installed ({why})", do="Install it, or correct the address"
    )


def exists(where: str) -> RecordError:
    """Something is there already, and nothing is overwritten."""
    return RecordError(f"there is a record at {where} already", do="Open it, or choose another place")


def not_a_record(where: str) -> RecordError:
    """A database, but none of ours."""
    return RecordError(
        f"{where} is not a record of the workbench", do="Check the path; a record is made by workbench init"
    )


def damaged(where: str, why: str) -> RecordError:
    """The file is broken: truncated, overwritten, or edited by something else."""
    return RecordError(
        f"the record at {where} is damaged ({why})",
        do="Keep a copy of it as it is, and go on from your last backup; workbench verify tells what is wrong",
    )


def newer(where: str, revision: str, mine: str) -> RecordError:
    """It was written by a workbench this one knows nothing of."""
    return RecordError(
        f"the record at {where} is of format {revision}, newer than this workbench, which knows up to {mine}",
        do="Install a newer workbench; nothing was changed",
    )


def older(where: str, revision: str, mine: str) -> RecordError:
    """It has to be migrated first, and nobody does that in passing."""
    return RecordError(
        f"the record at {where} is of format {revision}, and this workbench works with {mine}",
        do="Make a copy of it, then bring it up to date with Record.migrate",
    )


def busy(where: str, seconds: float) -> StorageError:
    """Somebody else has been writing all the while."""
    return StorageError(
        f"the record at {where} is busy: something else has been writing to it for {seconds:g} s; nothing was saved",
        do="Try again; if it stays so, end the program that holds it",
    )


def full(where: str, why: str) -> StorageError:
    """The disk took no more."""
    return StorageError(
        f"the record at {where} could not be saved, there is no room left ({why}); what was there is whole",
        do="Free some space, then save once more",
    )


def disk(where: str, why: str) -> StorageError:
    """The disk failed, or a limit was met that it doesn't call full."""
    return StorageError(
        f"the disk refused the record at {where} ({why}); what was saved before is whole",
        do="See that the disk works and has room, then try again",
    )


def unreachable(where: str, why: str) -> StorageError:
    """The database, or its disk, refused for a reason of its own."""
    return StorageError(
        f"the record at {where} can't be used ({why})",
        do="Check that it is there, and who may read and write there",
    )


def illegal_step(what: str, now: str, wanted: str, allowed: Iterable[str]) -> RecordError:
    """The state machine has no such step."""
    steps = " or ".join(allowed)
    return RecordError(
        f"{what} is {now} and can't become {wanted}",
        do=f"From {now} it can become {steps}" if steps else f"{now.capitalize()} is its last state; add a new action",
    )


def only_measured(what: str, wanted: str) -> RecordError:
    """A wish is no measurement."""
    return RecordError(f"{what} can't be set to {wanted} by hand", do="Only measuring its success metric does that")


def needs_reason(kind: str) -> InvalidError:
    """Nobody could understand it later."""
    return InvalidError.of(kind, {"reason": "is required; say in a sentence why, for those who read it later"})


def withdrawn(what: str, reason: str) -> RecordError:
    """What was withdrawn stays as it was."""
    return RecordError(f"{what} was withdrawn ({reason}) and can't be changed any more", do="Add a new one instead")


def already(what: str, stands: str) -> RecordError:
    """It was noted before, otherwise."""
    return RecordError(f"{what} is noted already with {stands}", do="Pinned evidence never changes: pull again instead")
