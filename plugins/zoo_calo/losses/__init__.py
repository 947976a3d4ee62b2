"""What the networks' losses are made of; each gives a number for every shower."""
