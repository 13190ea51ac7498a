"""The incident review workbench: telemetry in, verified improvement out; everything here works without a screen."""

__version__ = "0.1.0"
__all__ = ["__version__"]
