"""The contract of generators: `Generator`, the first floor, and `NetworkGenerator`, the second."""
