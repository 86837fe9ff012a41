"""Pictures of random people rendered where the networks are trained, from a bank of skins and shapes.

``models.data`` draws people one by one, each with a skin of their own, into shards; it paints the bank, and
is what pictures drawn here are compared with (``docs/training_data.md`` lists where they differ).
"""
