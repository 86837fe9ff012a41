"""Energies and solvers: photos to one identity and an expression, pose and light for each."""
