"""Who evaluates which units."""


def deal(units: int, size: int, reverse: bool = False) -> list[range]:
    """Consecutive blocks of unit indices for each rank, in rank order, as even as possible.

    Rank 0, the aggregator, takes units only where that shortens the longest block: with 301 ranks and 300 units it
    takes none, with 4 ranks it works like the others. ``reverse`` gives the longer blocks to the last ranks instead of
    the first, to balance a second deal.
    """
    free_aggregator = size > 1 and -(-units // (size - 1)) == -(-units // size)
    workers = size - free_aggregator
    short, longer = divmod(units, workers)
    counts = [short + 1] * longer + [short] * (workers - longer)
    if reverse:
        counts.reverse()
    blocks, start = [range(0)] * free_aggregator, 0
    for count in counts:
        blocks.append(range(start, start + count))
        start += count
    return blocks


def idle(size: int, units: int) -> int:
    """Ranks without a unit, the aggregator not counted."""
    return sum(len(block) == 0 for block in deal(units, size)[1:])
