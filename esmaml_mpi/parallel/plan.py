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


def cut(units: int, size: int) -> list[range]:
    """Blocks of unit indices to be drawn one after the other.

    About four for each rank, so that the last ones are short.
    """
    length = max(1, units // (4 * size))
    return [range(start, min(start + length, units)) for start in range(0, units, length)]


def works(units: int, size: int, rank: int) -> bool:
    """Whether a rank takes part when units are drawn: the aggregator does where it would have a share."""
    return rank > 0 or len(deal(units, size)[0]) > 0


def idle(size: int, units: int) -> int:
    """Ranks without a unit, the aggregator not counted."""
    return sum(len(block) == 0 for block in deal(units, size)[1:])
