"""Mixes of data sets that can only be read in order."""
