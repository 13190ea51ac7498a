"""The sql source: tables of a database, read through Ibis."""
