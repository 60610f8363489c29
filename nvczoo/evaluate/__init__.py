"""Measuring: metrics, BD-rate, anchors, results and reports."""
