"""Where events come from: a simulator, and files of others."""
