"""The github source: what changed a system, as events."""
