"""Every error the workbench raises on purpose.

::

    WorkbenchError                 exit status 1: it was asked rightly and could not be done
    ├── RequestError               exit status 2: what was asked can't be meant; nothing was touched
    │   ├── TimeError              a time or a window that can't be right
    │   └── UnknownError           a name (incident, entry, snapshot, source) that isn't there
    ├── WorkspaceError             no workspace, a broken or a newer one
    ├── SourceError                a source that can't be read
    │   └── LimitError             it would cost more than its limits allow; what came before is kept
    ├── StorageError               a folder that can't be written: full, locked, forbidden
    ├── EvidenceError              a snapshot that is missing, changed or newer
    ├── RecordError                the record refuses a change
    │   ├── ConflictError          somebody saved a newer version first
    │   ├── InvalidError           fields that need correcting, by name
    │   └── ReadOnlyError          this door only reads
    ├── RunError                   a notebook that failed while a review was made
    └── ServeError                 a server that can't be started

Each says what was wrong, where, and what to do next. They are made by named constructors in the rooms that raise them
(``WorkspaceError.newer(...)``), so that a message is written once.
"""

from __future__ import annotations

from typing import Self


class WorkbenchError(Exception):
    """The base: one sentence of what and where, one of what to do next."""

    exit_status = 1

    def __init__(self, what: str, *, do: str = "") -> None:
        self.what = what
        self.do = do
        super().__init__(f"{what}. {do}".strip() if do else what)

    def __reduce__(self) -> tuple[object, ...]:
        """Survive a process border (kernels hand errors on)."""
        return (_rebuild, (type(self), self.what, self.do, self.__dict__))


def _rebuild(kind: type[WorkbenchError], what: str, do: str, state: dict[str, object]) -> WorkbenchError:
    error = kind.__new__(kind)
    WorkbenchError.__init__(error, what, do=do)
    error.__dict__.update(state)
    return error


class RequestError(WorkbenchError):
    """What was asked can't be meant."""

    exit_status = 2


class TimeError(RequestError):
    """A time or a window that can't be right."""

    @classmethod
    def no_zone(cls, text: str, where: str) -> Self:
        """Refuse a time without a zone: guessing one would move every chart."""
        return cls(
            f"{where} is {text!r}, which has no time zone", do="Add one: 2023-01-29T09:12:30Z, or +01:00 at the end"
        )

    @classmethod
    def unreadable(cls, text: str, where: str) -> Self:
        """Refuse what isn't an ISO 8601 time."""
        return cls(f"{where} is {text!r}, which is not a time", do="Write it like 2023-01-29T09:12:30Z")

    @classmethod
    def empty(cls, start: str, end: str) -> Self:
        """Refuse a window that ends when it starts, or before."""
        relation = "equal" if start == end else "after"
        if relation == "equal":
            return cls(
                f"the window starts and ends at {start}, so it holds nothing", do="Give an end later than the start"
            )
        return cls(f"the window starts at {start}, after its end {end}", do="Swap the two times, or correct one")


class UnknownError(RequestError):
    """A name that isn't there."""

    @classmethod
    def named(cls, kind: str, name: str, known: list[str], *, do: str = "") -> Self:
        """Say which names are there, the likeliest first."""
        from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

        near = get_close_matches(name, known, n=3, cutoff=0.5)
        listed = near or sorted(known)[:5]
        hint = (
            f"Did you mean {listed[0]}?"
            if near
            else (f"Known: {', '.join(listed)}" if listed else f"There is no {kind} yet")
        )
        return cls(f"there is no {kind} {name!r}", do=do or hint)


class WorkspaceError(WorkbenchError):
    """No workspace, a broken or a newer one."""


class SourceError(WorkbenchError):
    """A source that can't be read; the others are pinned all the same."""


class LimitError(SourceError):
    """A source would cost more than its limits allow; what it gave before is kept, and marked incomplete."""


class StorageError(WorkbenchError):
    """A folder that can't be written: the disk is full, another run holds it, or nobody may write there."""


class EvidenceError(WorkbenchError):
    """A snapshot that is missing, changed or newer."""


class RecordError(WorkbenchError):
    """The record refuses a change."""


class ConflictError(RecordError):
    """Somebody saved a newer version first; ``theirs`` is it."""

    theirs: object = None

    @classmethod
    def newer(cls, kind: str, name: str, *, mine: int, theirs: object, version: int, author: str, at: str) -> Self:
        """Name who saved what version when, and carry their version along."""
        error = cls(
            f"{kind} {name} was changed by {author} at {at} (version {version}) while you worked on version {mine}",
            do="Open it again, compare, and save once more",
        )
        error.theirs = theirs
        return error


class InvalidError(RecordError):
    """Fields that need correcting; ``fields`` maps each to what is wrong, in plain words."""

    exit_status = 2
    fields: dict[str, str]

    @classmethod
    def of(cls, kind: str, fields: dict[str, str]) -> Self:
        """Gather every field's problem in one error, so that nobody corrects them one by one."""
        error = cls(f"this {kind} can't be saved: " + "; ".join(f"{name}: {text}" for name, text in fields.items()))
        error.fields = dict(fields)
        return error


class ReadOnlyError(RecordError):
    """This door only reads."""

    @classmethod
    def refused(cls, what: str) -> Self:
        """Say what was tried where nothing may be written."""
        return cls(f"{what} is not possible here: this record was opened to be read only")


class RunError(WorkbenchError):
    """A notebook that failed while a review was made."""


class ServeError(WorkbenchError):
    """A server that can't be started."""
