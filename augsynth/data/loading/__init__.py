"""Data sets of users, read into arrays, with notes of all conversions."""
