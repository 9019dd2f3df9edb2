"""Real and synthetic items in one data set: which items an epoch holds, and reading them."""
