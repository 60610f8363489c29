"""Training: recipes of stages, a loop that can be resumed, weights to ship."""
