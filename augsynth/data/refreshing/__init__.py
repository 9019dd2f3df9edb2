"""Pools that are drawn anew for each epoch, in the background."""
