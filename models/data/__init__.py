"""The data engine: endless labelled pictures of rendered people, and crops of real ones."""
