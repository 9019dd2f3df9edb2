"""Transforms that make an image of several: parts of a batch's other images, or of the items of a data set."""
