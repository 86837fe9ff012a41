"""Training of the papers' networks: recipe, batches, loop, checkpoints, figures and the model card."""
