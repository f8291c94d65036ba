"""Reads what a person wrote; never decides, only notices."""
