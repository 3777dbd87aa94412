"""The past once more: recordings through the very graph that the daemon runs, in virtual time."""
