"""The kubernetes source: what controllers reported of their objects, as events."""
