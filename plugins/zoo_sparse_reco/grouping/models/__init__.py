"""The network: message passing on a graph of clusters."""
