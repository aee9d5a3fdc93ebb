"""Known patterns replaced by better ones."""
