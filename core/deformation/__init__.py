"""How a head deforms: the 52 expressions of one person, their lids, lips and what lies inside the head."""
