"""Showers in calorimeters: generative networks, judged against Geant4."""
