"""The sun to come: from what the house did so far, or from a service.

`kinds.build` makes the source of a configuration; its `curves` are the forecast, `describe` says how it fares.
"""
