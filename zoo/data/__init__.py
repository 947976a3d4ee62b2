"""Tables in files and from simulators: keys, order, splits, reading, loading, checks."""
