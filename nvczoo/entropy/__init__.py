"""From latents to bytes: distributions, integer tables, streams of symbols, coders."""
