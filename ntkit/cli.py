"""The `ntkit` command: what can be asked for, and what its errors look like. What a command does lives in `ntkit._commands`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from ntkit import __version__
from ntkit.claims._errors import NtkitError, UserCodeError

EXIT_USER_CODE = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141

_PATH: dict[str, Any] = {
    "metavar": "DIR",
    "help": "folder that holds the claim files (default: ./paper_checks, else the bundled catalogue)",
}
_STORE: dict[str, Any] = {"metavar": "DIR", "default": ".ntkit", "help": "folder with the results (default: .ntkit)"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: one line and 2 for what the user can mend, 130 when interrupted."""
    _mend_streams()
    options = parser().parse_args(arguments)
    usual, sys.unraisablehook = sys.unraisablehook, _send_interrupts_again
    try:
        return int(import_module(f"ntkit._commands.{options.module}").run(options))
    except NtkitError as error:
        print(f"ntkit: error: {' '.join(str(error).split())}", *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return EXIT_USAGE
    except UserCodeError as error:
        print(f"{error.frames}ntkit: error: {error}", file=sys.stderr)
        return EXIT_USER_CODE
    except KeyboardInterrupt:
        print("ntkit: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on: do not complain at exit
        return EXIT_PIPE
    finally:
        sys.unraisablehook = usual


def _send_interrupts_again(lost: Any) -> None:
    """Python prints and forgets an interrupt in a callback from C, such as JAX's at garbage collection; here it comes again."""
    if lost.exc_type is KeyboardInterrupt:
        import _thread
        import threading

        threading.Timer(0.01, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(lost)


def _mend_streams() -> None:
    """Print to whatever there is: nowhere if a stream is closed, escapes where its encoding lacks a character."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


class Parser(argparse.ArgumentParser):
    """Says what is wrong on one line; `--help` has the usage."""

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        self.exit(EXIT_USAGE, f"{self.prog}: error: {message}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """The command line of `ntkit`."""
    top = Parser(
        prog="ntkit",
        description="pytest for theorems: measure what theory papers claim, and judge it by rules fixed beforehand.",
        epilog="example: ntkit verify achour2022",
    )
    top.add_argument("--version", action="version", version=f"ntkit {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_verify(commands)

    listing = _command(commands, "list", "list the claims of the catalogue", "ntkit list jacot2018")
    listing.add_argument("names", nargs="*", metavar="PAPER", help="only these papers or claims")
    listing.add_argument("--path", **_PATH)

    show = _command(
        commands, "show", "show a claim: statement, source, rule, controls", "ntkit show achour2022/frobenius-identity"
    )
    show.add_argument("claim", metavar="CLAIM")
    show.add_argument("--path", **_PATH)
    show.add_argument("--store", **_STORE)

    cite = _command(commands, "cite", "print a paper's BibTeX", "ntkit cite jacot2018")
    cite.add_argument("key", metavar="KEY")
    cite.add_argument("--path", **_PATH)

    figure = _command(commands, "figure", "draw a claim's figure, or all", "ntkit figure jacot2018/init-limit -o limit.pdf")
    figure.add_argument("claim", nargs="?", metavar="CLAIM")
    figure.add_argument("--all", action="store_true", help="the figures of all results, into the folder -o")
    figure.add_argument(
        "-o", "--out", metavar="FILE", required=True, help=".svg, .pdf or .png, with --all a folder; data beside it as .csv"
    )
    figure.add_argument("--format", choices=("svg", "pdf", "png"), help="of the figures of --all (default: svg)")
    figure.add_argument("--path", **_PATH)
    figure.add_argument("--store", **_STORE)

    report = _command(commands, "report", "write the results as pages for a browser", "ntkit report -o report")
    report.add_argument("-o", "--out", metavar="DIR", required=True, help="folder for the pages; open its index.html")
    report.add_argument("--path", **_PATH)
    report.add_argument("--store", **_STORE)

    history = _command(commands, "history", "the verdicts on a claim over time", "ntkit history jacot2018/init-limit")
    history.add_argument("claim", metavar="CLAIM")
    history.add_argument("--path", **_PATH)
    history.add_argument("--store", **_STORE)

    power = _command(
        commands, "power", "over many seeds, how often is a claim supported and its controls refuted",
        "ntkit power jacot2018/init-limit --seeds 50",
    )  # fmt: skip
    power.add_argument("claim", metavar="CLAIM")
    power.add_argument("--seeds", type=_positive, default=50, metavar="N", help="how many seeds, from 1000 on (default: 50)")
    _add_running(power)

    merge = _command(commands, "merge", "join the stores of several shards", "ntkit merge shard1 shard2 --store .ntkit")
    merge.add_argument("stores", nargs="+", metavar="STORE", help="stores to take from")
    merge.add_argument("--store", metavar="DIR", required=True, help="store to join them into")

    analyze = _command(
        commands, "analyze", "study your own network or data", 'ntkit analyze kernel --net "dense relu dense" -o kernel',
        add_help=False,
    )  # fmt: skip
    analyze.add_argument("-h", "--help", action="store_true", help="list the studies")
    analyze.add_argument("arguments", nargs=argparse.REMAINDER)  # every study has options of its own, and a --help

    _add_diagnose(commands)

    _command(commands, "init", "write a first claim into ./paper_checks", "ntkit init && ntkit verify")
    return top


def _add_verify(commands: argparse._SubParsersAction[Parser]) -> None:
    verify = _command(commands, "verify", "measure and judge claims", "ntkit verify jacot2018 --jobs 2 --json verdicts.json")
    verify.add_argument("names", nargs="*", metavar="PAPER|PAPER/CLAIM", help="only these (default: the whole catalogue)")
    _add_running(verify)
    verify.add_argument("--seed", type=_seed, default=1000, metavar="S", help="seed (default: 1000; pilots use smaller ones)")
    verify.add_argument("--shard", type=_shard, metavar="i/n", help="only the i-th of n parts of the catalogue")
    verify.add_argument("--fresh", action="store_true", help="measure again what is stored already")
    verify.add_argument("--json", metavar="FILE", help="write the verdicts to a file")
    verify.add_argument("--why", metavar="CLAIM", help="measure nothing, but say why this claim would be measured again")


def _add_diagnose(commands: argparse._SubParsersAction[Parser]) -> None:
    diagnose = _command(
        commands, "diagnose", "say why a kernel matrix is not positive definite, or NaN, and what mends it",
        "ntkit diagnose kernel.npy --json found.json",
    )  # fmt: skip
    diagnose.description = (
        "Say why a kernel matrix is not positive definite, or NaN: which inputs or pairs are to blame (counted from 0), which "
        "jitter and which dtype would do, and what of that is proved. Exit status: 0 if nothing is wrong (proved positive "
        "definite, and Cholesky succeeds in its dtype), 1 if something is, 2 for a file that cannot be read."
    )
    diagnose.add_argument("kernel", metavar="KERNEL.npy", help="a matrix K(x, x) of shape (n, n), .npy or .npz, of any dtype")
    diagnose.add_argument("--key", metavar="NAME", help="which array of a .npz file (default: the only one)")
    diagnose.add_argument("--json", metavar="FILE", help="write what was found for programs")
    diagnose.add_argument(
        "--max-bytes", metavar="N", help="that this may take, ten times the matrix in float64, as in 500M or 2G (default: a "
        "quarter of the memory)",
    )  # fmt: skip


def _add_running(command: argparse.ArgumentParser) -> None:
    command.add_argument("--tier", metavar="TIER", default="quick", help="quick (default) or full")
    where = command.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=_positive, metavar="N", help="worker processes (default: one per core)")
    where.add_argument("--dask", metavar="ADDRESS", help="run on the Dask cluster of this scheduler, or on local:N processes")
    command.add_argument("--path", **_PATH)
    command.add_argument("--store", **_STORE)


def _command(
    commands: argparse._SubParsersAction[Parser], name: str, purpose: str, example: str, *, add_help: bool = True
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.", epilog=f"example: {example}", add_help=add_help
    )
    command.set_defaults(module=name)
    return command


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 2^63 - 1, got {text!r}")
    return int(text)


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"must be i/n with 1 <= i <= n, got {text!r}")
    return int(number), int(count)


if __name__ == "__main__":
    sys.exit(main())
