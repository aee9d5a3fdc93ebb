"""In tests alone, every shape and type in a signature of shinso is checked at each call."""

from jaxtyping import install_import_hook

install_import_hook("shinso", "shape_check.checked")
