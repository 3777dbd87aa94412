"""What puts Phaeton on a GX device: the installer, the archive for a USB stick and the package for SetupHelper."""
