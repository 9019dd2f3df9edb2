"""Fitting: the training loop of networks, and the single call of `learn` of other generators."""
