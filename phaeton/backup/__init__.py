"""Backup and restore: configuration, sessions, secrets and recordings as one file."""
