"""Model cards and the weights that ship with nvczoo: data only."""
