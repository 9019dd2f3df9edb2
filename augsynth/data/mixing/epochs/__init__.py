"""The current epoch of a mix, shared with its workers, and what of it was read and saved."""
