"""Prices of energy: sources behind one small interface, and the one loop that asks them.

`build` makes the `PriceSource` of a configuration; `PriceSource.curves` are the prices, `describe` says how they fare.
"""

from phaeton.sources.prices.cache import Cache
from phaeton.sources.prices.kinds import World, build
from phaeton.sources.prices.report import HourRow, PriceReport, SourceReport, hour_rows, table
from phaeton.sources.prices.source import PriceSource

__all__ = ["Cache", "HourRow", "PriceReport", "PriceSource", "SourceReport", "World", "build", "hour_rows", "table"]
