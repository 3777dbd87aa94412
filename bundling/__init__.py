"""Makes the bundles for Venus OS: Phaeton with a Python and C libraries of its own in one folder.

``python -m bundling build`` makes them, ``lock`` renews what they are made of, ``sign`` vouches for them, ``try`` runs
one on an emulated processor. docs/bundle.md tells why and how.
"""
