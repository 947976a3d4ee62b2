"""Where tracks come from: a particle gun, and files."""
