"""What a network costs, counted without running it."""
