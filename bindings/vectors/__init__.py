"""Checks any binding with the test vectors, through nothing but its public API."""
