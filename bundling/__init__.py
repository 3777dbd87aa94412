"""Makes the bundles for Venus OS: Phaeton with a Python and C libraries of its own in one folder.

``python -m bundling build`` makes them, ``lock`` renews what they are made of, ``sign`` vouches for them;
``python -m benchmarks.bundle`` runs them on emulated devices. docs/bundle.md tells why and how.
"""
