"""What several benchmarks use: heads and clips whose truth is known, the peer, errors of poses."""
