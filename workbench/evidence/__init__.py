"""Evidence is telemetry as it was when somebody looked: pinned in snapshots, hashed, and cited."""

from workbench.evidence.citation import Citation
from workbench.evidence.manifest import Manifest, Table
from workbench.evidence.snapshots import Snapshot

__all__ = ["Citation", "Manifest", "Snapshot", "Table"]
