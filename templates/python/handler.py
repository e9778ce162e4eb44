"""task-name INPUT OUTPUT: counts the bytes and lines of every file of the input folder."""

import json
import os

from longshore import BadInput, handler, logger


def main(folders: handler.Folders) -> None:
    label = os.environ.get("LABEL")
    for path in folders.inputs():
        data = path.read_bytes()
        if b"\0" in data:
            # Exit code 65: the file is set aside with this sentence, and never tried again.
            raise BadInput(f"{path.name} is not text")
        counted = {"file": path.name, "bytes": len(data), "lines": data.count(b"\n")}
        if label is not None:
            counted["label"] = label
        target = folders.output / f"{path.name}.json"
        target.write_text(json.dumps(counted, indent=2) + "\n")
        logger.info("File:Count:Done", f"counted {path.name}", **counted)


if __name__ == "__main__":
    handler.run(main)
