"""Option pricing, exact and learned, usable on its own."""
