"""Jobs: what kinds there are, where they run, and the queue that hands them out."""
