"""Entropy models."""
