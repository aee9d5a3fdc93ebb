"""The parts of the page: each file reads what it shows and gives None where there is nothing to show."""
