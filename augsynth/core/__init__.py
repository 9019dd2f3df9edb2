"""Functions that all other folders use: checks, random numbers, geometry, arrays, images, items, files."""
