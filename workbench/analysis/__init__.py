"""Analysis answers one question about an incident's frames with another frame or a few facts, and touches nothing else."""

__all__ = ["changes", "impact", "logs", "suspects", "traces"]
