"""Shape keys for a head that has none: the rig's 52, carried over after a guided registration."""
