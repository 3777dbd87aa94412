"""The pure streams, step by step."""
