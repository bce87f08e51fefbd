"""How much memory there is for this process: of the machine, or of the control group that it runs in."""

import os
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


def memory_bytes() -> int | None:
    """Bytes in all, used or not; None where the system does not say."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")] if hasattr(os, "sysconf") else []
    try:
        own = [Path(line.split(":", 2)[2]) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        own = []
    for group in {place for path in own for place in (path, *path.parents)}:
        for file in (f"{_GROUPS}{group}/memory.max", f"{_GROUPS}/memory{group}/memory.limit_in_bytes"):  # versions 2 and 1
            try:
                text = Path(file).read_text().strip()
            except OSError:
                continue
            limits += [int(text)] if text.isdecimal() else []
    return min(limits, default=None)
