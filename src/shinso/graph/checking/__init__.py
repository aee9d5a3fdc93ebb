"""Whether the gradient of a user's own model is right."""
