"""What every strategy draws."""

from hypothesis import strategies as st


def seeds() -> st.SearchStrategy[int]:
    """Seeds for `jax.random.key`."""
    return st.integers(0, 2**31 - 1)
