"""The check of a probability of being dropped."""


def check_probability(p: float) -> None:
    """Raises ValueError unless p is a probability."""
    if not 0 <= p <= 1:
        raise ValueError(f"p is the probability of being dropped, from 0 to 1; got {p}")
