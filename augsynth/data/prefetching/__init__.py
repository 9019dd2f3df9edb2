"""Batches that are planned in workers and made on a device."""
