"""A review is one incident told from record and evidence: what happened, who was hurt, why, what is done about it."""

from workbench.review.story import Story, compose, tell

__all__ = ["Story", "compose", "tell"]
