"""The command line is the workbench without a screen: thin commands over the same functions that notebooks call."""

__all__ = ["app", "evidence", "incident", "milestones", "options", "pages", "pull", "sources", "workspace"]
