"""How bundles are made, from small parts; `python -m benchmarks.bundle` runs whole ones."""
