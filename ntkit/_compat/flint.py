"""The one place where python-flint, of the extra `exact`, is imported."""

from types import ModuleType


def load_flint() -> ModuleType:
    """The module `flint`, or an ImportError that names the extra."""
    try:
        import flint
    except ModuleNotFoundError as error:
        message = "python-flint is not installed: exact arithmetic needs the extra, pip install 'ntkit[exact]'"
        raise ImportError(message, name=error.name) from error
    return flint
