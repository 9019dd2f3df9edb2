"""Items of data sets: their form, the synthetic ones in the form of the real ones, and batches of them."""
