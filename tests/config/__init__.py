"""The configuration: read, judged, migrated, described, compared."""
