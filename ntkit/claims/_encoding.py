"""Evidence as bytes: one `.npz` of plain arrays with a JSON header, never a pickle; the same evidence gives the same bytes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from ntkit.claims._errors import EvidenceError
from ntkit.claims._evidence import KINDS, Evidence, Measurement, settings

_HEADER = "header"


def encode(measurement: Measurement) -> bytes:
    """Pack evidence, or a dict of evidence per part, into the bytes of an uncompressed `.npz` archive.

    Raises:
        EvidenceError: the measurement returned something that is no evidence.
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    header: dict[str, Any] = {}
    for part, evidence in _parts(measurement).items():
        header[part] = {"kind": type(evidence).__name__, "settings": _plain(settings(evidence))}
        for name in evidence.arrays:
            if getattr(evidence, name) is not None:
                arrays[f"{part}/{name}" if part else name] = np.asarray(getattr(evidence, name))
    arrays[_HEADER] = np.frombuffer(json.dumps(header, sort_keys=True).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def decode(data: bytes) -> Measurement:
    """Unpack what `encode` packed, validating it again.

    Raises:
        EvidenceError: the bytes are no such archive.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(arrays[_HEADER].tobytes())
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise EvidenceError(f"stored evidence cannot be read: {error}") from None
    parts: dict[str, Evidence] = {}
    for part, described in header.items():
        kind = KINDS[described["kind"]]
        prefix = f"{part}/" if part else ""
        values = {name: arrays[prefix + name] for name in kind.arrays if prefix + name in arrays}
        parts[part] = kind(**values, **described["settings"])
    return parts[""] if set(parts) == {""} else parts


def encode_arrays(arrays: Mapping[str, Any]) -> bytes:
    """Pack what a cell of a sweep returns: arrays of numbers or words, by name.

    Raises:
        EvidenceError: it is something else.
    """
    packed = {name: np.asarray(value) for name, value in arrays.items()} if isinstance(arrays, Mapping) else {}
    wrong = [name for name, array in packed.items() if array.dtype.kind not in "biufcU"]
    if not packed or wrong:
        raise EvidenceError(f"a cell must return a dict of arrays of numbers or words, got {wrong or type(arrays).__name__}")
    buffer = io.BytesIO()
    np.savez(buffer, **packed)  # type: ignore[arg-type]
    return buffer.getvalue()


def decode_arrays(data: bytes) -> dict[str, np.ndarray[Any, Any]]:
    """Unpack what `encode_arrays` packed."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _parts(measurement: object) -> Mapping[str, Any]:
    """One evidence is the part with the empty name, so that both forms are written alike."""
    parts = measurement if isinstance(measurement, Mapping) else {"": measurement}
    for name, evidence in parts.items():
        if type(evidence) not in KINDS.values():  # a subclass could hold what is not written
            where = f" for part {name!r}" if name else ""
            raise EvidenceError(f"the measurement returned {type(evidence).__name__}{where}; allowed are {', '.join(KINDS)}")
        if not isinstance(name, str) or "/" in name:
            raise EvidenceError(f"part names must be strings without '/', got {name!r}")
    if not parts:
        raise EvidenceError("the measurement returned an empty dict: nothing was measured")
    return parts


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}
