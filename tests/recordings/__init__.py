"""Recordings that are decided once more by each run of the tests; README.md says what each shows."""
