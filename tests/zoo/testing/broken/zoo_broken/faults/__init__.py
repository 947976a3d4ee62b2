"""The faults: the name of a module is the rule that it breaks."""
