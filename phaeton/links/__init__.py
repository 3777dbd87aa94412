"""The shared connections: Modbus, D-Bus; each with one owner."""
