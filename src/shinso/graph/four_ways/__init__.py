"""Four ways to differentiate one function: by hand, symbolically, numerically, automatically."""
