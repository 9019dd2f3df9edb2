"""Generated images on disk: memory-mapped shards with a manifest, written so that a kill loses little."""
