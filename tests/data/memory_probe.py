"""What reading takes of memory beyond what a process has when ready: `python memory_probe.py LIMIT SOURCE...`."""

import json
import sys
from pathlib import Path

from ntkit.data import DataError, read


def main(limit: str, *sources: str) -> None:
    """Print for each source what is said of it, and the additional peak."""
    read(sources[0])  # whatever a first image and a first array need
    said = {}
    for source in sources:
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
        before = _status("VmRSS")
        try:
            read(source, max_bytes=int(limit))
            message = ""
        except DataError as error:
            message = str(error)
        said[source] = message, _status("VmHWM") - before
    print(json.dumps(said))


def _status(field: str) -> int:
    return 1024 * int(Path("/proc/self/status").read_text().partition(f"{field}:")[2].split()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
