"""Where planes come from: simulated cosmic rays and tracks, and real charge simulated anew."""
