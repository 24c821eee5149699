"""Saved models: every part as plain data and arrays, and back, checked before it is used."""
