"""Settings varied over the same history, and which would have been best: ``phaeton sweep``."""
