"""How well nodes are grouped, and what they are: what is measured of an event."""
