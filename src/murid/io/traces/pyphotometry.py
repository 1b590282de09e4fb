"""Recordings of pyPhotometry (``.ppd``): analogue signals, and the digital lines recorded with them.

Layout: header length (2 bytes, little-endian), header (JSON), then samples (unsigned, 2 bytes, little-endian), channels
interleaved. The lowest bit of a sample is the digital line of that number, the other 15 bits are the signal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.bouts import make_events
from murid.data.errors import fail
from murid.data.traces import make_traces
from murid.io.files import Head, read_bytes
from murid.io.registry import reader, trace_reader

#: Keys of the header without which a file is not one of pyPhotometry.
_KEYS = {"sampling_rate", "volts_per_division"}


def _header(start: bytes) -> dict[str, Any] | None:
    """Header of a file; None where there is none."""
    size = int.from_bytes(start[:2], "little")
    if start[2:3] != b"{" or len(start) < size + 2:
        return None
    try:
        header = json.loads(start[2 : size + 2])
    except ValueError:
        return None
    return header if isinstance(header, dict) and header.keys() >= _KEYS else None


def _is_ppd(head: Head) -> bool:
    return _header(head.start) is not None


def _samples(path: Path) -> tuple[dict[str, Any], np.ndarray]:
    """Header and raw samples (time, channel)."""
    data = read_bytes(path)
    header = _header(data)
    if header is None:
        fail(str(path), "is no file of pyPhotometry", expected="a JSON header with sampling_rate, volts_per_division")
    body = data[2 + int.from_bytes(data[:2], "little") :]
    n = int(header.get("n_analog_signals", 2))
    if len(body) % 2 or n < 1 or len(body) < 2 * n:
        fail(
            str(path),
            "the samples are cut off",
            expected=f"whole samples of 2 bytes, {n} channels",
            got=f"{len(body)} bytes",
            todo="copy the file again",
        )
    raw = np.frombuffer(body, "<u2")
    # A recording that was stopped between two channels ends with a sample of the first alone.
    return header, raw[: len(raw) // n * n].reshape(-1, n)


@trace_reader("pyphotometry", (".ppd", ".ppd.gz"), sniff=_is_ppd, about="signals of pyPhotometry, in volts")
def read_traces_ppd(path: Path) -> xr.DataArray:
    """Read the analogue signals of a pyPhotometry recording.

    Parameters
    ----------
    path : path
        ``.ppd``, gzip or not.

    Returns
    -------
    DataArray (time, unit)
        Volts; units ``analog_1``, ``analog_2`` …; clock from the stated sampling rate. The header's subject, date,
        mode and LED currents are in ``attrs``. In the time-division modes all channels carry the time of their common
        sample.
    """
    header, raw = _samples(path)
    volts = np.atleast_1d(np.asarray(header["volts_per_division"], np.float64))
    if volts.size not in (1, raw.shape[1]):
        fail(str(path), "volts_per_division", expected=f"{raw.shape[1]} numbers", got=str(volts.size))
    return make_traces(
        (raw >> 1) * volts,
        rate_hz=float(header["sampling_rate"]),
        units=[f"analog_{k + 1}" for k in range(raw.shape[1])],
        kind="photometry_volts",
        source_file=str(path),
        **{k: str(header[k]) for k in ("subject_ID", "date_time", "mode", "LED_current") if k in header},
    )


@reader(
    "events",
    "pyphotometry_events",
    (".ppd", ".ppd.gz"),
    sniff=_is_ppd,
    about="rising edges of the digital lines that pyPhotometry recorded",
)
def read_events_ppd(path: Path) -> pd.DataFrame:
    """Read the rising edges of the digital lines of a pyPhotometry recording.

    Parameters
    ----------
    path : path
        ``.ppd``, gzip or not.

    Returns
    -------
    DataFrame
        Events ``digital_1``, ``digital_2`` …: the first sample at which a line is high. A line that is high from the
        start has no event there.
    """
    header, raw = _samples(path)
    high = (raw & 1).astype(np.int8)
    sample, line = np.nonzero(np.diff(high, axis=0) == 1)
    return make_events(time_s=(sample + 1) / float(header["sampling_rate"]), label=[f"digital_{k + 1}" for k in line])
