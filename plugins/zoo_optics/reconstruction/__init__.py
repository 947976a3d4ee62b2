"""Where light came from: points and tracks from the charges and hit times of sensors."""
