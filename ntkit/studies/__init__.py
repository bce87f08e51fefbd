"""What studies of a user's own network and data share: options, inputs as the network takes them, targets, whole files.

A study is a file `analyses/NAME.py` with a docstring, `add_options(parser)` and `run(options)`, run by `ntkit analyze NAME`.
"""

from ntkit.studies._convolution_options import add_convolution_options, convolutions
from ntkit.studies._convolutions import Convolution, by_axes
from ntkit.studies._estimates import (
    announce,
    announce_eigenvalues,
    announce_gram,
    announce_memory,
    said_bytes,
    timed,
    timed_twice,
)
from ntkit.studies._finite import FiniteNetwork, add_weights_options, drawn_network, parsed_network, weights_error
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
    files_of,
    finite_network_and_inputs,
    kernel_and_inputs,
    network_and_inputs,
    span,
    spatial_layers,
    whole,
)
from ntkit.studies._kernels import Kernel, function_of, in_words
from ntkit.studies._ladder_pictures import drawn_ladder
from ntkit.studies._ladders import Ladder
from ntkit.studies._laws import grouped, if_certain, law_facts, law_line, law_title, law_words
from ntkit.studies._layer_kernels import (
    MOST_NEAREST,
    LayerKernel,
    check_affordable,
    made_kernels,
    measured_kernel,
    regulariser_bytes,
    seconds,
)
from ntkit.studies._layer_pictures import drawn_layers, short
from ntkit.studies._matrix import KINDS, add_matrix_options, called, check_finite, check_squares, matrix, operator, title_of
from ntkit.studies._output import Output, add_output_options, output
from ntkit.studies._parts import Parts
from ntkit.studies._results import (
    BLUE,
    GREY,
    ORANGE,
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
from ntkit.studies._script import out_folder
from ntkit.studies._sizes import doubling, positive, reals, sizes
from ntkit.studies._spectra import ENOUGH, Spectrum, TargetPower
from ntkit.studies._spectrum_pictures import drawn_spectrum
from ntkit.studies._spread import add_dask_option, spread
from ntkit.studies._studied import Studied, rescalable, studied_network
from ntkit.studies._surface_page import surface_page
from ntkit.studies._targets import MOST_CLASSES, Targets, add_target_option, targets
from ntkit.studies._user_network import UserNetwork, is_place, user_network

__all__ = [
    "BLUE",
    "ENOUGH",
    "GREY",
    "KINDS",
    "MOST_CLASSES",
    "MOST_NEAREST",
    "MOST_REPEATS",
    "MOST_SEEDS",
    "ORANGE",
    "Convolution",
    "FiniteNetwork",
    "Inputs",
    "Kernel",
    "Ladder",
    "LayerKernel",
    "Output",
    "Parts",
    "Scenery",
    "Spectrum",
    "Studied",
    "TargetPower",
    "Targets",
    "UserNetwork",
    "add_convolution_options",
    "add_dask_option",
    "add_data_options",
    "add_matrix_options",
    "add_output_options",
    "add_study_options",
    "add_target_option",
    "add_weights_options",
    "announce",
    "announce_eigenvalues",
    "announce_gram",
    "announce_memory",
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
    "drawn_network",
    "drawn_scenery",
    "drawn_spectrum",
    "every_layer",
    "files_of",
    "finite_network_and_inputs",
    "function_of",
    "grouped",
    "hashed",
    "heading",
    "if_certain",
    "in_words",
    "is_place",
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
    "out_folder",
    "output",
    "parsed_network",
    "percent",
    "positive",
    "progress_line",
    "reals",
    "regulariser_bytes",
    "rescalable",
    "results_file",
    "results_folder",
    "said_bytes",
    "seconds",
    "short",
    "shown_bound",
    "sizes",
    "span",
    "spatial_layers",
    "spread",
    "studied_network",
    "surface_page",
    "targets",
    "timed",
    "timed_twice",
    "title_of",
    "user_network",
    "versions",
    "weights_error",
    "whole",
    "write_picture",
    "write_record",
    "write_whole",
]
