"""The tests of Phaeton; they mirror the package."""
