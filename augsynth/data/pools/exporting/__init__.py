"""Items of a pool, written one after the other in the layouts of other tools."""
