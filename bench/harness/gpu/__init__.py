"""Measuring on a CUDA device; `bench/gpu.py` is the command."""
