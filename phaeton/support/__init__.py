"""The support bundle: everything that a report of an error needs, in one file, and nothing secret."""
