"""The data engine: endless labelled pictures of rendered people, and crops of real ones.

People are painted and drawn here one by one, each new, into shards; ``models.data.stream`` draws whole
batches while training, from a bank of skins and things that this engine painted. Both stay: the batch engine
is tested against this one, and knows no new skins, no cloth masks and not what MediaPipe sees.
"""
