"""Saved generators: the folder of a checkpoint, and the tensors that it claims to hold."""
