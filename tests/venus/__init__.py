"""The installer for Venus OS, in real busybox and in temporary roots."""
