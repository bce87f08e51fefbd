"""Data to measure on: `read` takes a user's files and folders, and real sets that ship with a dependency, by name.

`load` and `arrays` take what a file of arrays holds; `sphere` draws points. What is read stays within a number of bytes, a
quarter of the machine's memory unless told otherwise, and nothing that would run code is read.
"""

from ntkit.data._arrays import arrays, load
from ntkit.data._data import Data
from ntkit.data._limits import DataError, byte_limit, whole_file
from ntkit.data._read import read
from ntkit.data._sets import SETS, Digits, digits
from ntkit.data._sphere import sphere

__all__ = ["SETS", "Data", "DataError", "Digits", "arrays", "byte_limit", "digits", "load", "read", "sphere", "whole_file"]
