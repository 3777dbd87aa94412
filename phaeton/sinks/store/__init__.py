"""The store: what outlives a restart, on disk. `Store` is the way in."""

from phaeton.sinks.store.kept import SavedState, StayFilter, StayKey, StoreError, stay_key
from phaeton.sinks.store.place import default_directory, directory
from phaeton.sinks.store.store import Store

__all__ = ["SavedState", "StayFilter", "StayKey", "Store", "StoreError", "default_directory", "directory", "stay_key"]
