"""Checks a binding with the test vectors by way of its driver, as README.md says."""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from vectors import driven  # noqa: E402 (found by the line above)

# The cases drive whatever has this name.
sys.modules["blindtally"] = driven

from vectors.cases import report  # noqa: E402 (the line above first)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", action="append", metavar="FILE", help="check this file; may be given again")
    arguments.add_argument("name", help="of the implementation, as it is printed")
    arguments.add_argument("command", nargs=argparse.REMAINDER, help="what starts the driver")
    given = arguments.parse_args()
    if not given.command:
        arguments.error("there is no command that starts the driver")
    try:
        driver = driven.start(given.command)
    except driven.DriverFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    try:
        code = report(given.name, given.only)
        driver.end()
    except driven.DriverFailed as failed:
        print("\n".join([str(failed), *getattr(failed, "__notes__", [])]), file=sys.stderr)
        code = 1
    except Exception:
        traceback.print_exc()
        print(f"the last call was {driver.last}", file=sys.stderr)
        code = 1
    finally:
        driver.kill()
    for name in sorted(driver.unsupported):
        print(f"{given.name} has no {name}: nothing was compared with it", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
