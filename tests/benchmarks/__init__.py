"""Commands that print the speed and accuracy figures the project claims. Shared: ``support``."""
