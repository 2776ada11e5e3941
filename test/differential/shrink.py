"""Cuts a run that found a difference down to the steps that it takes."""

import time


def shrink(steps, fails, deadline):
    """Drop steps, in ever smaller pieces, as long as what is left fails.  The last
    step stays: it is where the difference shows."""
    kept = [step for step in steps[:-1] if step.verb != 'ask'] + steps[-1:]
    if len(kept) == len(steps) or not fails(kept):
        kept = steps
    size = len(kept) // 2
    while size > 0:
        kept = without_pieces(kept, size, fails, deadline)
        size //= 2
    return kept


def without_pieces(steps, size, fails, deadline):
    start = len(steps) - 1 - size
    while start > -size and time.time() < deadline:
        fewer = steps[:max(start, 0)] + steps[start + size:]
        if fails(fewer):
            steps = fewer
        start -= size
    return steps
