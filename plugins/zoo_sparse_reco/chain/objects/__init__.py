"""What is told of fragments, particles and interactions: places, energies, kinds."""
