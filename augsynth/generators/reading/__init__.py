"""Reading a data set of images into one tensor, with its labels and the names of its classes."""
