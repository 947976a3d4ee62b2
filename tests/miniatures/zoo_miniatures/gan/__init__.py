"""mini-gan: electromagnetic showers from three networks and four losses."""
