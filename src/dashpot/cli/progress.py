"""A progress bar with the time left; silent when nobody watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_rest = 45  # signs of bar, share and times, and between them


@contextmanager
def progress_bar(label: str) -> Iterator[tuple[Callable[[int, int], None], Callable[[str], None]]]:
    """Show a bar on stderr while the block runs; yields `progress(done, total)` and `news(text)`, shown beside it."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[news]}", markup=False),
    )
    room = console.width - len(label) - _rest
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        work = bar.add_task(label, total=None, news="")
        yield (
            lambda done, total: bar.update(work, completed=done, total=total),
            lambda text: bar.update(work, news=cut(text, room)),
        )


def cut(text: str, room: int) -> str:
    """As much of a text as there is room for, so that it takes none from the time that is left."""
    return text if len(text) <= room else text[: room - 1] + "…" if room > 1 else ""
