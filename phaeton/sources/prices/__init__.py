"""Prices of energy: sources behind one small interface, and the one loop that asks them.

`kinds.build` makes the `source.PriceSource` of a configuration; its `curves` are the prices, `describe` says how they
fare.
"""
