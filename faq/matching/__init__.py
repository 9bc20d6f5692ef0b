"""Which entry a message means: candidates out of an index, features of each, a fitted model over them."""
