"""From arguments to an exit code: what is caught, what is printed where."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

from trigger.cli.outcome import Outcome, print_outcome
from trigger.cli.parser import parse
from trigger.cli.streams import quiet_libraries, stdout_to_stderr

__all__ = ["DONE", "FAILED", "INTERNAL", "INTERRUPTED", "TERMINATED", "USER_MISTAKE", "main"]

DONE = 0
FAILED = 1
"""A verification found a difference, or a budget was not met."""
USER_MISTAKE = 2
INTERNAL = 70
"""A defect of this program: the traceback is kept."""
_OF_THE_MACHINE = (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT)
"""No space, no permission: no defect, and nothing that a traceback would explain."""
INTERRUPTED = 130
TERMINATED = 143


class _Terminated(BaseException):
    """SIGTERM, as an exception: open files and worker processes are closed on the way out."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; default: those of the process.

    Returns
    -------
    int
        Exit code: 0 done; 1 a verification or a budget failed; 2 the user's input was wrong (one message on
        standard error); 70 a defect of this program (with its traceback); 130 interrupted; 143 terminated.
    """
    quiet_libraries()
    previous = _on_sigterm()
    try:
        options = parse(sys.argv[1:] if argv is None else argv)
        from trigger.cli.verbs import run_verb

        with stdout_to_stderr():
            outcome = run_verb(options)
        return _report(outcome, as_json=options.json)
    except SystemExit as leave:  # --help and --version
        return leave.code if isinstance(leave.code, int) else DONE
    except KeyboardInterrupt:
        print("trigger: interrupted; finished work is kept, the same command continues", file=sys.stderr)
        return INTERRUPTED
    except _Terminated:
        print("trigger: terminated; finished work is kept, the same command continues", file=sys.stderr)
        return TERMINATED
    except BrokenPipeError:
        # The reader of standard output left (`| head`): nothing more to say, and nothing for the interpreter to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return DONE
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            return _defect()
        print(
            f"trigger: {error.strerror}: '{error.filename or 'output'}'; give another folder with --out",
            file=sys.stderr,
        )
        return USER_MISTAKE
    except Exception as error:  # every other exception is a defect of ours, and its traceback is what a report needs
        if isinstance(error, user_error_types()):
            print(f"trigger: {_one_message(error)}", file=sys.stderr)
            return USER_MISTAKE
        return _defect()
    finally:
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)


def user_error_types() -> tuple[type[BaseException], ...]:
    """The classes that mean a user's mistake, of the libraries that are loaded.

    An exception of a library that was never imported cannot have been raised, so nothing is imported for this.
    """
    modules = (sys.modules.get(f"{name}.errors") for name in ("trigger", "firmware", "sim.events"))
    return tuple(module.UserError for module in modules if module is not None)


def _defect() -> int:
    traceback.print_exc()
    print("trigger: a defect of this program, not of your input; please report the lines above", file=sys.stderr)
    return INTERNAL


def _report(outcome: Outcome, *, as_json: bool) -> int:
    print_outcome(outcome, as_json=as_json)
    sys.stdout.flush()
    return DONE if outcome.passed else FAILED


def _one_message(error: BaseException) -> str:
    return " ".join(str(error).split()) if "\n" not in str(error).strip() else str(error).strip()


def _on_sigterm() -> signal._HANDLER:
    def stop(number: int, frame: FrameType | None) -> None:
        raise _Terminated

    try:
        return signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: the host program owns its signals
        return None
