"""What studies of a user's own network and data share: options, inputs as the network takes them, targets, whole files.

A study is a file `analyses/NAME.py` with a docstring, `add_options(parser)` and `run(options)`, run by `ntkit analyze NAME`.
"""

from ntkit.studies._inputs import (
    MOST_REPEATS,
    MOST_SEEDS,
    Inputs,
    add_study_options,
    described,
    kernel_and_inputs,
    network_and_inputs,
    span,
    whole,
)
from ntkit.studies._kernels import Kernel
from ntkit.studies._laws import grouped, if_certain, law_facts, law_line, law_title, law_words
from ntkit.studies._matrix import KINDS, add_kind_option, called, check_finite, check_squares, matrix, operator, title_of
from ntkit.studies._results import (
    BLUE,
    GREY,
    ORANGE,
    add_format_option,
    dots,
    heading,
    percent,
    progress_line,
    results_folder,
    shown_bound,
    write_picture,
    write_record,
    write_whole,
)
from ntkit.studies._sizes import doubling, sizes
from ntkit.studies._targets import MOST_CLASSES, Targets, add_target_option, targets

__all__ = [
    "BLUE",
    "GREY",
    "KINDS",
    "MOST_CLASSES",
    "MOST_REPEATS",
    "MOST_SEEDS",
    "ORANGE",
    "Inputs",
    "Kernel",
    "Targets",
    "add_format_option",
    "add_kind_option",
    "add_study_options",
    "add_target_option",
    "called",
    "check_finite",
    "check_squares",
    "described",
    "dots",
    "doubling",
    "grouped",
    "heading",
    "if_certain",
    "kernel_and_inputs",
    "law_facts",
    "law_line",
    "law_title",
    "law_words",
    "matrix",
    "network_and_inputs",
    "operator",
    "percent",
    "progress_line",
    "results_folder",
    "shown_bound",
    "sizes",
    "span",
    "targets",
    "title_of",
    "whole",
    "write_picture",
    "write_record",
    "write_whole",
]
