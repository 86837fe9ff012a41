"""Command line (and, later, the HTTP server) on top of core and models."""
