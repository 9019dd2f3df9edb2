"""The ground that every other room stands on: random numbers, geometry, arrays, images, files."""
