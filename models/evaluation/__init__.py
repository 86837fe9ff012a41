"""How good a method is, by the metrics of the papers' tables."""
