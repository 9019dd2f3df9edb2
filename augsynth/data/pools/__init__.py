"""Generated images on disk: memory-mapped shards with a manifest; a killed writer loses at most one shard."""
