"""Networks: images of the plane, or clusters, to estimates in standard units."""
