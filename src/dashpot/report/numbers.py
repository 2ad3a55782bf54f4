"""Numbers at the axes of pictures."""


def tick_label(value: float, signed: bool = False) -> str:
    """A tick as short as it can be, with a true minus sign.

    >>> tick_label(0.05, signed=True), tick_label(-0.1), tick_label(20.0), tick_label(0.0, signed=True)
    ('+0.05', '−0.1', '20', '0')
    """
    text = f"{value:+.6g}" if signed and value else f"{value:.6g}"
    return text.replace("-", "−")
