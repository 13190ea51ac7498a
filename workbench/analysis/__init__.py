"""Analysis answers one question about an incident's frames by another frame or by facts, and touches nothing else."""

__all__ = ["changes", "impact", "logs", "suspects", "traces"]
