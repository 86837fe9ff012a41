"""Command line and HTTP server on top of core and models."""
