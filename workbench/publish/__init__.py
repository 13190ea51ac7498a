"""To publish is to turn a run of the review notebook into a page that anybody can read and nobody can change."""

__all__ = ["clean", "page", "sections"]
