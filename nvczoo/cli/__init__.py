"""The command line: one module per verb, and ``main``, which finds it."""
