"""A charger, a car, a house and a grid that answer decisions with readings."""
