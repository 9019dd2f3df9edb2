"""Batches that workers plan and a device makes."""
