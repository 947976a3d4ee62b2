"""Where showers come from: simulators, and files of others."""
