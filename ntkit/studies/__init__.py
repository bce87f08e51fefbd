"""What studies of a user's own network and data share: options, inputs as the network takes them, targets, whole files.

A study is a file `analyses/NAME.py` with a docstring, `add_options(parser)` and `run(options)`, run by `ntkit analyze NAME`.
"""

from ntkit.studies._convolution_options import add_convolution_options, convolutions
from ntkit.studies._convolutions import Convolution, by_axes
from ntkit.studies._inputs import (
    MOST_REPEATS,
    MOST_SEEDS,
    Inputs,
    add_data_options,
    add_study_options,
    channels_first,
    chosen_inputs,
    described,
    every_layer,
    kernel_and_inputs,
    network_and_inputs,
    span,
    whole,
)
from ntkit.studies._kernels import Kernel
from ntkit.studies._ladder_pictures import drawn_ladder
from ntkit.studies._ladders import Ladder
from ntkit.studies._laws import grouped, if_certain, law_facts, law_line, law_title, law_words
from ntkit.studies._layer_kernels import MOST_NEAREST, LayerKernel, check_affordable, made_kernels, measured_kernel, seconds
from ntkit.studies._layer_pictures import drawn_layers, short
from ntkit.studies._matrix import KINDS, add_kind_option, called, check_finite, check_squares, matrix, operator, title_of
from ntkit.studies._results import (
    BLUE,
    GREY,
    ORANGE,
    add_format_option,
    dots,
    hashed,
    heading,
    percent,
    progress_line,
    results_file,
    results_folder,
    shown_bound,
    versions,
    write_picture,
    write_record,
    write_whole,
)
from ntkit.studies._scenery import Scenery, drawn_scenery
from ntkit.studies._sizes import doubling, positive, reals, sizes
from ntkit.studies._targets import MOST_CLASSES, Targets, add_target_option, targets

__all__ = [
    "BLUE",
    "GREY",
    "KINDS",
    "MOST_CLASSES",
    "MOST_NEAREST",
    "MOST_REPEATS",
    "MOST_SEEDS",
    "ORANGE",
    "Convolution",
    "Inputs",
    "Kernel",
    "Ladder",
    "LayerKernel",
    "Scenery",
    "Targets",
    "add_convolution_options",
    "add_data_options",
    "add_format_option",
    "add_kind_option",
    "add_study_options",
    "add_target_option",
    "by_axes",
    "called",
    "channels_first",
    "check_affordable",
    "check_finite",
    "check_squares",
    "chosen_inputs",
    "convolutions",
    "described",
    "dots",
    "doubling",
    "drawn_ladder",
    "drawn_layers",
    "drawn_scenery",
    "every_layer",
    "grouped",
    "hashed",
    "heading",
    "if_certain",
    "kernel_and_inputs",
    "law_facts",
    "law_line",
    "law_title",
    "law_words",
    "made_kernels",
    "matrix",
    "measured_kernel",
    "network_and_inputs",
    "operator",
    "percent",
    "positive",
    "progress_line",
    "reals",
    "results_file",
    "results_folder",
    "seconds",
    "short",
    "shown_bound",
    "sizes",
    "span",
    "targets",
    "title_of",
    "versions",
    "whole",
    "write_picture",
    "write_record",
    "write_whole",
]
