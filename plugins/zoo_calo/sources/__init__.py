"""Where showers come from: Geant4, a parametrisation, and files of others."""
