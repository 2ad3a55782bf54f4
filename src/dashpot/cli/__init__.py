"""The command line `dashpot`: one file for each command, no logic of its own.

Command files import the library inside their functions, so that `dashpot --help` answers at once.
"""

import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import click

from dashpot import __version__
from dashpot.cli.augment_preview import augment_preview
from dashpot.cli.compare import compare
from dashpot.cli.demo import demo
from dashpot.cli.denoise import denoise
from dashpot.cli.detect import detect
from dashpot.cli.diagnose import diagnose
from dashpot.cli.embed import embed
from dashpot.cli.fit import fit
from dashpot.cli.landscape import landscape
from dashpot.cli.predict import predict
from dashpot.cli.race import race
from dashpot.cli.show import show
from dashpot.errors import DashpotError, DataError, UsageError

__all__ = ["main"]

_interrupted = 130
_unexpected = 1


@click.group(
    commands=[demo, compare, race, fit, predict, detect, embed, denoise, show, landscape, diagnose, augment_preview],
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, message="dashpot %(version)s")
@click.option(
    "--plugin",
    "plugins",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A Python file with regularizers of your own, for --with. It is run.",
)
@click.option("--traceback", is_flag=True, help="Show Python's traceback when something unexpected happens.")
@click.pass_context
def dashpot(context: click.Context, plugins: tuple[Path, ...], traceback: bool) -> None:
    """Which regularizer helps a neural network on this table? By how much, and how sure is that?

    Start with `dashpot demo`. Every command explains itself: `dashpot compare --help`.
    """
    for path in plugins:
        _imported(path)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _imported(path: Path) -> None:
    """Run a Python file as a module of its name; its regularizers are known from then on."""
    found = spec_from_file_location(path.stem, path)
    if found is None or found.loader is None:
        raise UsageError(f"dashpot --plugin {path}: is no Python file. Its name ends in .py.")
    module = module_from_spec(found)
    sys.modules[path.stem] = module  # so that worker processes find its classes
    try:
        found.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"dashpot --plugin {path}: {type(error).__name__}: {error}. Correct the file.") from error


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0 done, 1 unexpected, 2 usage, 3 data, 4 model file refused, 5 done in part, as the time was up, 130 interrupted. An
    error is one line on stderr and never a traceback, unless `--traceback` asks for one. A request to terminate, as
    `timeout` and schedulers send it, counts as Ctrl-C: what is answered is kept, and no worker process is left.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    with _termination_as_ctrl_c(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other libraries talk to programmers
        warnings.filterwarnings("default", module="dashpot")
        warnings.showwarning = _show_warning
        sys.exit(_run(arguments))


@contextmanager
def _termination_as_ctrl_c() -> Iterator[None]:
    """Hear SIGTERM as Ctrl-C; only the main thread may ask for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _run(arguments: Sequence[str]) -> int:
    try:
        return int(dashpot.main(list(arguments), prog_name="dashpot", standalone_mode=False) or 0)
    except click.ClickException as error:
        return _fail(_one_line(error), UsageError.exit_code)
    except DashpotError as error:
        return _fail(str(error), error.exit_code)
    except OSError as error:
        return _fail(f"dashpot: {error.strerror or error}: {error.filename or 'no file named'}.", DataError.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted; nothing half-written is left behind.", _interrupted)
    except Exception as error:
        if "--traceback" in arguments:
            raise
        command = " ".join(["dashpot", "--traceback", *arguments])
        what = f"{type(error).__name__}: {error}".rstrip(".")
        return _fail(f"dashpot: unexpected {what}. Please report it with the output of: {command}", _unexpected)


def _one_line(error: click.ClickException) -> str:
    """Click's message, the command that it belongs to, and where to read on."""
    message = error.format_message()
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "dashpot"
    end = "" if message.endswith((".", "?")) else "."
    return f"{path}: {message}{end} See {path} --help."


def _fail(message: str, code: int) -> int:
    click.secho(_flat(message), fg="red", err=True)
    return code


def _flat(text: object) -> str:
    """Text on one line; control characters, which a hostile column name may hold, are spaces."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())


def _show_warning(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
    """A warning is one line on stderr, without the place in the code."""
    click.secho(f"Note: {_flat(message)}", fg="yellow", err=True)
