"""Phaeton: EV charging for Victron Venus OS as one reactive graph, live and offline."""

__version__ = "0.1.0"
