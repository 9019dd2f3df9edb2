"""The parts of the benchmark `bench/augment.py`; bench/README.md tells how they fit together."""
