"""mini-points: ragged points, neighbour tables and two heads with different counts."""
