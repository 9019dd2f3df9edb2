"""The rule of a mix: which real and synthetic items an epoch has, as pure functions of (seed, epoch)."""
