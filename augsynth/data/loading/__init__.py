"""Data sets that users have, read into arrays, saying what was converted."""
