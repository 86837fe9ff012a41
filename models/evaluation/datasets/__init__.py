"""Readers of the papers' datasets in the layouts they are published in; none comes with Semblance."""
