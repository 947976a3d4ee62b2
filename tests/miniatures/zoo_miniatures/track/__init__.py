"""mini-track: a position with its uncertainty, fitted and tuned constants, an export."""
