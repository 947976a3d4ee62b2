"""From energy in cells to what electronics tell, and from that to the energy of the particle."""
