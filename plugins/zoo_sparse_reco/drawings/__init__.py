"""How events and results are drawn."""
