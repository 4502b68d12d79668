"""Claims, points and runs that are made up, for tests of what is said of them."""

HIGH, LOW, WIDE = [10.0, 11.0, 12.0, 11.5], [1.0, 2.0, 1.5, 1.2], [-40.0, 3.0, 60.0, 1.0]


def made(size, point, values, experiment="e", config="", **series):
    """Runs of a point whose last test has these values, one a seed."""
    from verdicts.summary import Point, Run

    place = f"{experiment}/{size}/{point}"
    config = config or place

    def run(seed, value):
        own = dict(iteration=[0, 10], rollouts=[0, 100], seconds=[0.0, 1.0], after=[0.0, value], before=[0.0, 0.0])
        names = dict(places=[place], config=config, seed=seed, planned=10, commit="abc", hours=0.5)
        return Run(**names, series=own | series)

    return [Point(experiment, size, point, config, 10)], [run(seed, value) for seed, value in enumerate(values)]


def summary(*made_up):
    from verdicts.summary import Summary

    return Summary([point for points, _ in made_up for point in points], [run for _, runs in made_up for run in runs])


def judged(found, *parts, **claim):
    """The one claim with these parts."""
    from papers.parts import Claim
    from verdicts.judged import judge

    (one,) = judge((Claim(1, "It is so.", "a paper", "1", "so", parts, **claim),), found)
    return one


def part(points="a", against="b", size="paper", **how):
    from papers.parts import Part

    return Part("first against second", "e", size, tuple(points), tuple(against), **how)
