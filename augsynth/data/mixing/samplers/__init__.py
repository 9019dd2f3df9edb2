"""Samplers that follow the epochs of a mix."""
