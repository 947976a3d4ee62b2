"""Where samples come from: files of others, and a particle gun."""
