"""BRHVC: hierarchical B frames with two references that are harmonised."""
