"""How far generated showers are from those of a reference."""
