"""Sojourn."""
