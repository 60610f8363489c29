"""SEVC: a base layer at a quarter of the size, and an enhancement layer that is predicted from it."""
