"""Grid of cells and what fills it."""
