"""The entry point: run a command, and turn whatever ends it into an exit code and plain words."""

from __future__ import annotations

import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit; `--version` is answered before anything is imported."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        from athena import __version__

        sys.stdout.write(f"athena {__version__}\n")
        return
    try:
        from athena.app import run

        code = run(arguments)
    except KeyboardInterrupt:  # before the command line could take it
        sys.stderr.write("interrupted\n")
        code = _INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main()
