"""Tests of what replaces the program."""
