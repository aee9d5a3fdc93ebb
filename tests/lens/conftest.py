"""Puts this folder on the import path, so that the tests in the folders below it can use ``lens_cases``."""
