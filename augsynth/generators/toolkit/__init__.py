"""Tools for authors of generators."""
