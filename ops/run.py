"""One process of ours without the command line around it: `python -m ops.run worker`, as the supervisor starts it.

`nhip run worker` does the same for a person. Words, colours and help of a command line cost each start half a processor second, which seven
processes would pay on the way up and a killed one on its way back.
"""

from __future__ import annotations

import sys

from ops.processes import PROCESSES
from transport.settings import Settings


def main(arguments: list[str]) -> int:
    """One argument: the process's name. Its exit code; 2 with a line for people where there is no such process."""
    found = PROCESSES.get(arguments[0]) if len(arguments) == 1 else None
    if found is None:
        print(f"Cần tên một tiến trình / the name of a process is needed: {', '.join(PROCESSES)}", file=sys.stderr)
        return 2
    return found.main()(Settings.load())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
