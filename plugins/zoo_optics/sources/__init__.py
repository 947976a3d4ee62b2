"""Where samples of light come from."""
