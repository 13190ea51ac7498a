"""The slack source: what people wrote to each other, from an export."""
