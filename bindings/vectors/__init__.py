"""Drives the package with test vectors, through nothing but its public API."""
