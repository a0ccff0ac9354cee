"""The command line: a thin shell in which every command is one call of the Python interface."""

from __future__ import annotations

import contextlib
import os
import sys

from racemate.errors import RacemateError

__all__ = ["main"]

INTERRUPTED = 130
WRONG_INPUT = 2


def main() -> None:
    """Run the command line and leave with its exit code: 0, 2 for a wrong input, 130 when interrupted."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; every :class:`RacemateError` becomes its message on stderr, never a traceback."""
    try:
        from racemate.cli.app import app

        code = app(args=arguments, prog_name="racemate", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except RacemateError as error:
        return _wrong(f"error: {error}")
    except KeyboardInterrupt:
        return _left("interrupted", INTERRUPTED)
    except BrokenPipeError:  # the reader of our output went away, as in `racemate ... | head`
        _drop_stdout()
        return 0
    except SystemExit as left:  # typer answers a closed pipe with its own exit
        return 0 if isinstance(left.__context__, BrokenPipeError) else _code(left)
    except OSError as error:
        _drop_stdout()
        return _wrong(f"error: cannot write: {(error.strerror or str(error)).lower()}")
    except MemoryError:
        return _wrong("error: not enough memory\n  fix:   fewer patients, fewer outputs or a wider --every")
    except Exception as error:
        return _parser_error(error)


def _parser_error(error: Exception) -> int:
    """What the command-line parser says of options it does not know; anything else is our own fault and is raised."""
    if type(error).__name__ == "Abort":
        return _left("interrupted", INTERRUPTED)
    message = getattr(error, "format_message", None)
    if message is None:
        raise error
    text = f"error: {message()}"
    context = getattr(error, "ctx", None)
    if context is not None:
        text += f"\n  fix:   see '{context.command_path} --help'"
    return _wrong(text)


def _drop_stdout() -> None:
    """Nothing more can be written there, not even what is left in the buffer when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _code(left: SystemExit) -> int:
    return left.code if isinstance(left.code, int) else 0 if left.code is None else WRONG_INPUT


def _wrong(text: str) -> int:
    return _left(text, WRONG_INPUT)


def _left(text: str, code: int) -> int:
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    print(text, file=sys.stderr)
    return code
