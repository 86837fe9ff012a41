"""Networks of the papers. May import core, never server."""
