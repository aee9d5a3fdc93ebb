"""The same graph run in other ways: traced once, or with less kept."""
