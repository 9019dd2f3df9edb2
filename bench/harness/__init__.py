"""Parts of the benchmark `bench/augment.py`; bench/README.md explains them."""
