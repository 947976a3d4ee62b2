"""One correct plugin, and plugins that differ from it in one fault each."""
