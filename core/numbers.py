"""Numbers, as annotations that are checked at run time name them."""

from __future__ import annotations

Number = float | int  # type checkers at run time do not take an int for a float
