"""The web sink: API, events, page files."""
