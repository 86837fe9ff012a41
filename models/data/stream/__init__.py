"""Pictures of random people rendered where the networks are trained, from a bank of skins and shapes."""
