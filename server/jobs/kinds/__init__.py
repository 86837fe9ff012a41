"""The kinds of jobs, a module with a ``KIND`` each."""
