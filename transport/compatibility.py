"""Released schemas against present ones: what a version wrote must stay readable for ever (BACKWARD_TRANSITIVE).

`schemas/released/<version>/` holds the schemas as they were when a version was released. A present schema must read each of them; a check
of the continuous integration runs `broken()`. `python -m transport.compatibility <version>` copies the present schemas at a release.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Final

from transport.resolution import ResolutionError, check_resolvable
from transport.schemas import DIRECTORY, RELEASED, SchemaError, lint, read

_VERSION: Final = re.compile(r"\d+\.\d+\.\d+\Z")


def broken(present: Path = DIRECTORY, released: Path = RELEASED) -> list[str]:
    """Every rule and every released schema that a present schema breaks, one line each; empty where all may be deployed."""
    found = []
    schemas = {}
    for path in sorted(present.glob("*.avsc")):
        try:
            schemas[path.stem] = read(path)
            found += lint(schemas[path.stem])
        except SchemaError as error:
            found.append(str(error))
    for path in sorted(released.glob("*/*.avsc"), key=lambda p: (p.stem, p.parent.name)):
        version = path.parent.name
        if path.stem not in schemas:
            found.append(f"{path.stem}: released in {version} and now missing; a schema stays as long as its topic")
            continue
        try:
            check_resolvable(read(path).raw, schemas[path.stem].raw)
        except ResolutionError as error:
            found.append(f"{path.stem}.{error.field}: cannot read what {version} wrote: {error.detail}; see schemas/README.md")
    return found


def release(version: str, present: Path = DIRECTORY, released: Path = RELEASED) -> list[str]:
    """Copy the present schemas to `released/<version>`; returns their names.

    Raises SchemaError where they break a rule or another release. A version may be copied again as long as it is not tagged.
    """
    if not _VERSION.match(version):
        raise SchemaError(f"version «{version}»: three numbers with dots are expected, e.g. 1.2.0")
    target = released / version
    faults = [line for line in broken(present, released) if f"what {version} wrote" not in line and f"released in {version}" not in line]
    if faults:
        raise SchemaError("; ".join(faults))
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    names = sorted(path.name for path in present.glob("*.avsc"))
    for name in names:
        shutil.copyfile(present / name, target / name)
    return names


def main() -> int:
    """Without an argument: check. With a version: copy."""
    if len(sys.argv) > 1:
        try:
            names = release(sys.argv[1])
        except SchemaError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        sys.stdout.write(f"{len(names)} schemas released as {sys.argv[1]}\n")
        return 0
    faults = broken()
    sys.stderr.write("".join(f"{line}\n" for line in faults))
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
