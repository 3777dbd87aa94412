"""The way out: carry decisions to the charger, the bus, the page and the store."""
