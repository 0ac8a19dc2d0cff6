"""Learned forecasters of returns, usable on their own."""
