"""The past by the minute: what is measured of the house and of each charging point, an hour to a block.

A block holds the mean, the lowest and the highest value of each minute, and how many seconds of it were known. The
store keeps blocks, the page and the API show them in wider buckets, and simulations go over them.
"""

from phaeton.minutes.block import (
    BLOCK_S,
    MINUTE_S,
    MINUTES,
    POINT_QUANTITIES,
    SITE_QUANTITIES,
    Block,
    DamagedBlock,
    Lane,
    decode,
    encode,
    lane_name,
    unit,
)
from phaeton.minutes.buckets import STEPS_S, Buckets, Grid, Summary, grid
from phaeton.minutes.collector import Collector

__all__ = [
    "BLOCK_S",
    "MINUTES",
    "MINUTE_S",
    "POINT_QUANTITIES",
    "SITE_QUANTITIES",
    "STEPS_S",
    "Block",
    "Buckets",
    "Collector",
    "DamagedBlock",
    "Grid",
    "Lane",
    "Summary",
    "decode",
    "encode",
    "grid",
    "lane_name",
    "unit",
]
