"""What the networks of the papers are trained for, one family a file."""
