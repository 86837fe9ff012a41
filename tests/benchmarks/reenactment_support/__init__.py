"""What the benchmark of reenactment measures with."""
