"""Files of JSON lines that survive a kill: `xltlib.text_files.recovered_json_lines` reads them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from xltlib.artifacts import InputError


def append_lines(file: Path, records: list[dict[str, Any]], *, sync: bool = False) -> None:
    """Append records; with `sync`, flush them to disk.

    Raises:
        InputError: the file cannot be written.
    """
    # Start a new line, because the last one may be incomplete.
    text = "".join("\n" + json.dumps(record, ensure_ascii=False) for record in records)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "a", encoding="utf-8", errors="surrogatepass") as lines:
            lines.write(text)
            lines.flush()
            if sync:
                os.fsync(lines.fileno())
    except OSError as error:
        raise InputError(
            f"{file}: cannot be written ({error.strerror or error}); examples before this one are "
            "kept. Free some space and run the same command again."
        ) from error
