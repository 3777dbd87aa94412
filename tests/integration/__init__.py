"""The daemon as a process: a real D-Bus, a real socket, and an independent client."""
