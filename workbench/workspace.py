"""A workspace is the folder where a team keeps its settings, record, evidence and published reviews."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import SourceError, UnknownError, WorkspaceError
from workbench.settings import FILE, Settings, read_settings
from workbench.versions import refused, versions
from workbench.window import Window

if TYPE_CHECKING:
    from workbench.evidence import Snapshot
    from workbench.evidence.due import Held, Part, Plan, Wanted
    from workbench.evidence.pin import Progress
    from workbench.record import Incident, Record
    from workbench.telemetry.configured import ConfiguredSource

__all__ = ["Workspace"]

_TEMPLATE = """# The settings of this workspace. Every key has a default; docs/settings.md tells them all.
format = {format}

[workspace]
name = "{name}"
# author = "you"            # who acts when neither --as nor WORKBENCH_AUTHOR says so

[window]
baseline = "1h"             # how long before an incident its normal behaviour is looked for
padding_before = "0s"       # how much earlier than started_at its window begins
padding_after = "0s"        # how much later than resolved_at it ends

# Where telemetry comes from: one table for each source. Paths start at this folder.
# [sources.telemetry]
# kind = "parquet"
# metrics = "telemetry/metrics.parquet"     # a path, a glob, or a list of them
# logs = "telemetry/logs/*.parquet"
# spans = "telemetry/spans.parquet"
# events = "telemetry/events.parquet"
"""


class Workspace:
    """One folder with a ``workbench.toml``: the one object a notebook or a command starts from."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root = root
        self.settings = settings

    @classmethod
    def create(cls, root: Path, *, name: str = "") -> Workspace:
        """Make a workspace with no source and an empty record, and return it; it is named after its folder unless told.

        Raises:
            WorkspaceError: there is one already, or the folder holds something else.
            StorageError: the folder can't be written.
        """
        from workbench.record import Record  # noqa: PLC0415 - the database's library is needed only where it is used

        root = root.expanduser().absolute()
        cls.check_new(root)
        try:
            for folder in (root, root / "evidence", root / "published"):
                folder.mkdir(parents=True, exist_ok=True)
            name = (name or root.name).replace("\\", "").replace('"', "")
            settings = Settings()
            Record.create(_address(root, settings.record.url))
            # Last, because this file makes the folder a workspace.
            (root / FILE).write_text(_TEMPLATE.format(format=settings.format, name=name), encoding="utf-8")
        except OSError as error:
            raise refused(root, error) from error
        return cls.open(root)

    @staticmethod
    def check_new(root: Path) -> None:
        """Refuse a folder that can't become a workspace.

        Raises:
            WorkspaceError: there is one already, or the folder holds something else.
        """
        if (root / FILE).exists():
            raise WorkspaceError(f"{root} is a workspace already", do="Choose another folder, or use it as it is")
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise WorkspaceError(f"{root} is not empty", do="Choose a new or an empty folder")

    @classmethod
    def open(cls, root: Path | str) -> Workspace:
        """Return the workspace in this very folder.

        Raises:
            WorkspaceError: there is none, or its settings can't be read.
        """
        root = Path(root).expanduser().absolute()
        return cls(root, read_settings(root / FILE))

    @classmethod
    def find(cls, start: Path | str | None = None) -> Workspace:
        """Return the workspace named by ``start``, else by WORKBENCH_WORKSPACE, else the nearest from here upwards.

        Raises:
            WorkspaceError: there is none, or its settings can't be read.
        """
        named = start or os.environ.get("WORKBENCH_WORKSPACE")
        if named and str(named) != ".":
            return cls.open(named)
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / FILE).is_file():
                return cls.open(folder)
        raise WorkspaceError(
            f"there is no workspace here or in any folder above ({here})",
            do="Go into one, name one with --workspace DIR, or make one: workbench init DIR",
        )

    @property
    def published(self) -> Path:
        """The folder of published reviews."""
        return self.root / "published"

    @property
    def read_only(self) -> bool:
        """Whether this process may only read, because its server said so (WORKBENCH_READ_ONLY)."""
        return os.environ.get("WORKBENCH_READ_ONLY") == "1"

    def author(self, named: str = "") -> str:
        """Return who acts: the one named, else WORKBENCH_AUTHOR, else the workspace's, else the system's user."""
        return named or os.environ.get("WORKBENCH_AUTHOR") or self.settings.workspace.author or getpass.getuser()

    def sources(self) -> list[ConfiguredSource]:
        """Return every configured source, in the order of ``workbench.toml``.

        Raises:
            SourceError: a ``[sources.NAME]`` table can't be used.
        """
        from workbench.telemetry.registry import make_source  # noqa: PLC0415 - polars is needed only where data is read

        return [make_source(name, table, self.root) for name, table in self.settings.sources.items()]

    def source(self, name: str) -> ConfiguredSource:
        """Return one configured source.

        Raises:
            UnknownError: there is no ``[sources.NAME]`` of that name.
            SourceError: its table can't be used.
        """
        from workbench.telemetry.registry import make_source  # noqa: PLC0415 - polars is needed only where data is read

        if name not in self.settings.sources:
            raise UnknownError.named("source", name, list(self.settings.sources))
        return make_source(name, self.settings.sources[name], self.root)

    def usable_sources(self) -> tuple[list[ConfiguredSource], dict[str, SourceError]]:
        """Return the configured sources whose tables can be used, and why the others can't, by their names."""
        usable: list[ConfiguredSource] = []
        refused_: dict[str, SourceError] = {}
        for name in self.settings.sources:
            try:
                usable.append(self.source(name))
            except SourceError as error:
                refused_[name] = error
        return usable, refused_

    def record(self, *, author: str = "", read_only: bool = False) -> Record:
        """Open the record: to be written in the author's name, or to be read only.

        Raises:
            RecordError: it is missing, damaged, or of another version.
        """
        from workbench.record import Record  # noqa: PLC0415 - the database's library is needed only where it is used

        url = _address(self.root, self.settings.record.url)
        return Record.open(url, author=self.author(author), read_only=read_only or self.read_only)

    def _noted_hashes(self) -> dict[int, str]:
        """Return the hashes of history entries that published reviews noted, by the entries' numbers."""
        noted: dict[int, str] = {}
        for path in sorted(self.published.glob("*/*/run.json")):
            try:
                history = json.loads(path.read_bytes())["history"]
                noted[int(history["entries"])] = str(history["hash"])
            except (OSError, ValueError, KeyError, TypeError):
                # A run that tells no hash proves nothing and disproves nothing.
                continue
        return noted

    def window_of(self, incident: Incident) -> Window:
        """Return the incident's window: [started_at, resolved_at), padded as set; until now while it lasts."""
        times = incident.milestones
        ended = times.resolved_at or datetime.now(UTC)
        padding = self.settings.window
        return Window(times.started_at, ended).pad(padding.padding_before, padding.padding_after)

    def pull(
        self,
        incident_id: str,
        *,
        author: str = "",
        tell: Callable[[Progress], None] = lambda _: None,
        plan: Plan | None = None,
    ) -> Snapshot:
        """Pin what every source has for the incident's window and the baseline before it; return the new snapshot.

        What its backend has forgotten, and an earlier snapshot holds, is carried over.

        Args:
            incident_id: which incident.
            author: who pulls; see `author`.
            tell: called after each frame of each source.
            plan: another plan than that of a person, such as what is due.

        Raises:
            UnknownError: there is no such incident.
            WorkspaceError: no source is configured.
            SourceError: a source's settings can't be used.
            EvidenceError: nothing could be pinned.
            StorageError: the disk is full, or another pull of this incident is running.
        """
        from workbench.evidence.pin import pin  # noqa: PLC0415 - polars is needed only where data is read

        with self.record(author=author) as record:
            incident = record.incident(incident_id)
            sources = self.usable_sources()[0] if plan else self.sources()
            made = plan or self.plan(incident_id, sources)
            window = made.window or self.window_of(incident)
            return pin(
                sources,
                incident=incident.id,
                window=window,
                baseline=made.baseline,
                folder=self.root / "evidence" / incident.id,
                tell=tell,
                keep=lambda made: _ignore(record.note_snapshot(incident.id, made.version, made.manifest_sha256)),
                plan=made,
            )

    def plan(self, incident_id: str, sources: Sequence[ConfiguredSource]) -> Plan:
        """Return what a pull by a person asks of the sources: see `workbench.evidence.due.whole`.

        Raises:
            UnknownError: there is no such incident.
            WorkspaceError: no source is configured.
            TimeError: the incident is yet to begin.
        """
        from workbench.evidence.due import whole  # noqa: PLC0415 - polars is needed only where data is read

        return self._planned(whole, incident_id, sources, datetime.now(UTC))

    def plan_due(self, incident_id: str, sources: Sequence[ConfiguredSource], now: datetime | None = None) -> Plan:
        """Return what is due of an incident: see `workbench.evidence.due.due`.

        Args:
            incident_id: which incident.
            sources: the sources that can be used.
            now: the time of asking; now unless told.

        Raises:
            UnknownError: there is no such incident.
            WorkspaceError: no source is configured.
        """
        from workbench.evidence.due import due  # noqa: PLC0415 - polars is needed only where data is read

        return self._planned(due, incident_id, sources, now or datetime.now(UTC))

    def _planned(
        self,
        decide: Callable[[Wanted, Mapping[Part, timedelta | None], Sequence[Held], datetime], Plan],
        incident_id: str,
        sources: Sequence[ConfiguredSource],
        now: datetime,
    ) -> Plan:
        """Return a plan in which nothing is carried but what is still as it was pinned."""
        from workbench.evidence.carry import held_in, intact, used_by  # noqa: PLC0415 - as where it is called from
        from workbench.evidence.due import Wanted  # noqa: PLC0415 - likewise

        with self.record(read_only=True) as record:
            times = record.incident(incident_id).milestones
        if not self.settings.sources:
            raise WorkspaceError(
                f"no source of telemetry is configured in {FILE}", do="Add a [sources.NAME] table, then pull again"
            )
        settings = self.settings.window
        ended = times.resolved_at and times.resolved_at + settings.padding_after
        wanted = Wanted(times.started_at - settings.padding_before, ended, settings.baseline)
        kept = {(source.name, frame): source.policy.retention for source in sources for frame in source.frames}
        folder = self.root / "evidence" / incident_id
        held = held_in(folder, self.snapshots(incident_id))
        while True:
            plan = decide(wanted, kept, held, now)
            damaged = {place for place in used_by(plan) if not intact(folder, *place)}
            if not damaged:
                return plan
            held = [one for one in held if (one.version, one.path) not in damaged]

    def snapshots(self, incident_id: str) -> list[str]:
        """Return the names of the incident's snapshots that the record's history knows, oldest first.

        Raises:
            UnknownError: there is no such incident.
        """
        with self.record(read_only=True) as record:
            record.incident(incident_id)
            noted = {note.version for note in record.snapshots(incident_id)}
        return [version for version in versions(self.root / "evidence" / incident_id) if version in noted]

    def snapshot(self, incident_id: str, version: str = "") -> Snapshot:
        """Return one of the incident's snapshots: the newest, or the one named.

        Raises:
            UnknownError: there is no such incident, nothing is pinned for it, or no snapshot has that name.
            EvidenceError: its manifest is missing, damaged, or newer than this version.
        """
        from workbench.evidence import Snapshot  # noqa: PLC0415 - pydantic is needed only where evidence is read

        known = self.snapshots(incident_id)
        if not known:
            raise UnknownError(f"nothing is pinned for {incident_id} yet", do=f"Run: workbench pull {incident_id}")
        if version and version not in known:
            raise UnknownError.named("snapshot", version, known)
        return Snapshot.open(self.root / "evidence" / incident_id / (version or known[-1]))

    def verify(self) -> list[str]:
        """Return what isn't as it was written, in evidence and record, each in a sentence; empty when all is whole.

        Raises:
            RecordError: the record can't be read at all.
        """
        from workbench.errors import EvidenceError  # noqa: PLC0415
        from workbench.evidence import Snapshot  # noqa: PLC0415

        evidence = self.root / "evidence"
        with self.record(read_only=True) as record:
            found = record.verify(self._noted_hashes())
            noted = {
                incident.id: {note.version: note.manifest_sha256 for note in record.snapshots(incident.id)}
                for incident in record.incidents()
            }
        for incident, hashes in noted.items():
            for version, sha256 in hashes.items():
                if not (evidence / incident / version).is_dir():
                    found.append(f"evidence/{incident}/{version} is missing")
                    continue
                try:
                    found += Snapshot.open(evidence / incident / version).verify(sha256)
                except EvidenceError as error:
                    found.append(str(error))
        for folder in sorted(evidence.iterdir()) if evidence.is_dir() else []:
            unknown = set(versions(folder)) - set(noted.get(folder.name, {}))
            found += [
                f"evidence/{folder.name}/{version} is not in the record's history: it is not used, and may be removed"
                for version in sorted(unknown)
            ]
        return found


def _ignore(_: object) -> None:
    """Make a callback of a call whose answer isn't needed."""


def _address(root: Path, url: str) -> str:
    """Return the database's address, with a relative SQLite path put under the workspace."""
    relative = url.removeprefix("sqlite:///")
    if relative == url or relative.startswith("/"):
        return url
    return f"sqlite:///{root / relative}"
