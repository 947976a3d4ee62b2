"""What is seen of a shower: numbers and profiles of its cells above half of a MIP."""
