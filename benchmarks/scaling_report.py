"""Tables and figure of what ``benchmarks/scaling.py`` measured: the law beside it, and its predictions.

    python benchmarks/scaling_report.py [docs/scaling.json]

Prints Markdown; the figure has the same name, as .png, and a page of that name, as .md, gets the tables after its mark.
Predictions assume a network of 2 us latency and 10 GB/s, and a core for every rank, all as fast as those measured.
``docs/scaling.md`` has the sources.
"""

import contextlib
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from collectives import EVALUATIONS, OBSERVATIONS
from scaling_law import Link, Serial, Task, idle_round, slowest, terms

from esmaml_mpi.parallel.plan import deal

ROOT = Path(__file__).resolve().parent.parent
NETWORK = Link(latency=2e-6, per_byte=1e-10)
TERMS = {
    "ideal": "an n-th of the work",
    "uneven": "uneven shares, idle ranks",
    "imbalance": "waiting for the slowest rank",
    "serial": "rank 0 alone",
    "collectives": "messages",
}
MARK = "<!-- tables: python benchmarks/scaling_report.py -->\n"  # of a page, whose rest are tables
SIZES, RANKS, DIMENSIONS = (300, 3000), (301, 3001), (100, 1000, 10_000, 100_000)


def main() -> None:
    """Report on the file named."""
    if sys.argv[1:2] in (["-h"], ["--help"]):
        print(__doc__)
        return
    report(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/scaling.json")


def report(path: Path) -> None:
    """Print all tables, write them into the page, and draw the figure."""
    found = json.loads(path.read_text())
    text, page = tables(found), path.with_suffix(".md")
    print(text)
    if page.exists():
        page.write_text(page.read_text().partition(MARK)[0] + MARK + text)
    draw(found, path.with_suffix(".png"))
    print(path.with_suffix(".png"))


def tables(found: dict) -> str:
    """All of them, as Markdown."""
    tasks = {name: task_of(measured) for name, measured in found["tasks"].items()}
    serials, link, text = {name: serial_of(found, name) for name in tasks}, link_of(found), io.StringIO()
    network = replace(NETWORK, per_call=link.per_call)
    with contextlib.redirect_stdout(text):
        print_constants(found, tasks, link)
        print_runs(found, tasks, serials, link)
        print_collectives(found, link)
        print_predictions(tasks, serials, network)
        print_dimensions(tasks, serials, network)
    return text.getvalue()


def task_of(measured: dict) -> Task:
    """W = a + b u by relative least squares with a >= 0, and how single evaluations differ."""
    shares, seconds = np.array(measured["shares"]).T
    rows = np.stack([np.ones_like(shares), shares], axis=1) / seconds[:, None]
    a, u = np.linalg.lstsq(rows, np.ones(len(shares)), rcond=None)[0]
    if a < 0:
        a, u = 0.0, rows[:, 1].sum() / (rows[:, 1] ** 2).sum()
    single = np.array(measured["single"])
    return Task(float(a), float(u), single - single.mean(), measured["d"], measured["observations"])


def link_of(found: dict) -> Link:
    """Between two ranks, each with a core: latency and bandwidth as measured, the rest of a round without a pause."""
    two = found["collectives"][0]
    link, idle = Link(**two["link"]), next(each for each in two["rounds"] if each["pause"] == 0.0)
    rest = idle["total"] - idle_round(2, EVALUATIONS, idle["d"], OBSERVATIONS, link)
    return replace(link, per_call=max(rest, 0.0) / 2)


def serial_of(found: dict, name: str) -> Serial:
    """The fit of rank 0's part, and what else an iteration of one process spends outside of its parts."""
    alone = next(run for run in found["tasks"][name]["runs"] if run["ranks"] == run["threads"] == 1)
    return Serial(o=alone["other"], **found["serial"])


def print_constants(found: dict, tasks: dict[str, Task], link: Link) -> None:
    """What goes into the law."""
    header("task", "d", "a, ms", "u, ms", "fit / measured", "spread", "slowest of 2, 301, 3001")
    for name, task in tasks.items():
        ratios = [task.work(int(share)) / seconds for share, seconds in found["tasks"][name]["shares"]]
        largest = ", ".join(f"{slowest(task, n):.3f}" for n in (2, *RANKS))
        fit = f"{min(ratios):.2f} to {max(ratios):.2f}"
        row(name, task.d, ms(task.a), ms(task.u), fit, f"{task.deviations.std() / task.work(1) * 100:.1f} %", largest)
    header("link", "latency, us", "GB/s")
    for name, each in (("measured between two ranks of this machine", link), ("assumed between nodes", NETWORK)):
        row(name, f"{each.latency * 1e6:.2f}", f"{1e-9 / each.per_byte:.1f}")
    print(f"\na collective beside its messages, measured: {link.per_call * 1e6:.1f} us")
    p, q, r = (found["serial"][name] for name in "pqr")
    print(f"rank 0 alone: {ms(p)} ms + D ({q * 1e6:.2f} us + d {r * 1e9:.2f} ns), and the loop's overhead `other`")


def print_runs(found: dict, tasks: dict[str, Task], serials: dict[str, Serial], link: Link) -> None:
    """Measured iterations and the law; efficiencies against one rank with as much work in all, or for each."""
    parts = ("broadcast", "evaluate", "gather", "update", "other")
    columns = ("iteration", *parts, "law", "law / measured", "strong efficiency", "weak efficiency")
    header("task, times in ms", "ranks x threads", "E", *columns)
    for name, measured in found["tasks"].items():
        alone = {
            run["evaluations"]: run["iteration"] for run in measured["runs"] if run["ranks"] == run["threads"] == 1
        }
        for run in measured["runs"]:
            workers, evaluations = run["ranks"] * run["threads"], run["evaluations"]
            # Threads share a process: an even split without messages.
            share = -(-evaluations // workers)
            law = (
                tasks[name].work(share) + serials[name].seconds(evaluations // 2, tasks[name].d)
                if run["ranks"] == 1
                else terms(workers, evaluations, tasks[name], serials[name], link)["total"]
            )
            strong, weak = (
                f"{alone[e] / (w * run['iteration']):.3f}" if workers > 1 and e in alone else ""
                for e, w in ((evaluations, workers), (evaluations // workers, 1))
            )
            times = [ms(run[part]) for part in ("iteration", *parts)]
            ratio = f"{law / run['iteration']:.3f}"
            where = f"{run['ranks']} x {run['threads']}"
            row(name, where, evaluations, *times, ms(law), ratio, strong, weak)


def print_collectives(found: dict, link: Link) -> None:
    """The collectives alone on more and more ranks."""
    columns = ("broadcast, ms", "sum, ms", "together, ms", "a rank, us", "law with a core each, ms")
    header("ranks", "d", "pause, ms", *columns)
    for measured in found["collectives"]:
        for each in measured["rounds"]:
            n, times = each["ranks"], [ms(each[part]) for part in ("broadcast", "sum", "total")]
            law = idle_round(n, EVALUATIONS, each["d"], OBSERVATIONS, link)
            row(n, each["d"], ms(each["pause"]), *times, f"{each['total'] / n * 1e6:.0f}", ms(law))


def print_predictions(tasks: dict[str, Task], serials: dict[str, Serial], network: Link) -> None:
    """Iterations at cluster sizes, term by term; efficiencies as above, weak for the longest share."""
    columns = ("iteration, ms", "speed-up", "strong efficiency", "weak efficiency", *(f"{term}, ms" for term in TERMS))
    header("task", "E", "ranks", *columns, "largest loss")
    for name, task in tasks.items():
        for evaluations in SIZES:
            for n in RANKS:
                found = terms(n, evaluations, task, serials[name], network)
                share = max(len(block) for block in deal(evaluations, n))
                alone, small = (terms(1, e, task, serials[name], network)["total"] for e in (evaluations, share))
                loss = max(list(TERMS)[1:], key=found.get)
                speedup = alone / found["total"]
                gains = (f"{speedup:.0f}", f"{speedup / n:.3f}", f"{small / found['total']:.3f}")
                times = [ms(found[term]) for term in TERMS]
                row(name, evaluations, n, ms(found["total"]), *gains, *times, loss)


def print_dimensions(tasks: dict[str, Task], serials: dict[str, Serial], network: Link) -> None:
    """What grows with d beside the evaluations themselves, whose time is held."""
    header("E", "ranks", "d", "rank 0 alone, ms", "messages, ms")
    name, task = max(tasks.items(), key=lambda item: item[1].u)
    for evaluations in SIZES:
        for n in RANKS:
            for d in DIMENSIONS:
                found = terms(n, evaluations, replace(task, d=d), serials[name], network)
                row(evaluations, n, d, *(ms(found[term]) for term in ("serial", "collectives")))


def draw(found: dict, output: Path) -> None:
    """Speed-up over ranks with what was measured, and where an iteration's time goes at cluster sizes."""
    tasks = {name: task_of(measured) for name, measured in found["tasks"].items()}
    serials, network = (
        {name: serial_of(found, name) for name in tasks},
        replace(NETWORK, per_call=link_of(found).per_call),
    )
    sys.path.append(str(ROOT / "analysis"))
    import style

    fig, (left, right) = style.figure(columns=2, width=12.0, height=5.6)
    steps = [n for count in RANKS for n in (count - 1, count)]
    ranks = np.union1d(np.round(np.geomspace(1, RANKS[-1], 60)).astype(int), steps)
    left.plot(ranks, ranks, color=style.GREY, ls=":", lw=1.2, label="ideal")
    for (name, task), colour, marker in zip(tasks.items(), style.COLOURS, "os", strict=False):
        for evaluations, line in zip(SIZES, style.LINES, strict=False):
            times = [terms(int(n), evaluations, task, serials[name], network)["total"] for n in ranks]
            left.plot(ranks, times[0] / np.array(times), color=colour, ls=line, label=f"{name}, E = {evaluations:,}")
        runs = [run for run in found["tasks"][name]["runs"] if run["threads"] == 1]
        largest = max(run["evaluations"] for run in runs)
        strong = {run["ranks"]: run["iteration"] for run in runs if run["evaluations"] == largest}
        speedups, label = [strong[1] / each for each in strong.values()], f"{name}, E = {largest}, measured"
        left.plot(list(strong), speedups, ls="", marker=marker, ms=7, mec=colour, mfc="none", label=label)
    left.set(xscale="log", yscale="log", xlabel="ranks", ylabel="speed-up over one rank", title="Strong scaling")
    for axis in (left.xaxis, left.yaxis):
        axis.set_major_formatter("{x:,.0f}")
    style.legend_below(left)
    cases = [(name, e, n) for name in tasks for e in SIZES for n in RANKS]
    parts = [terms(n, e, tasks[name], serials[name], network) for name, e, n in cases]
    begin = np.zeros(len(cases))
    for (term, label), colour in zip(TERMS.items(), style.COLOURS, strict=False):
        widths = np.array([max(part[term], 0.0) / part["total"] for part in parts])
        right.barh(range(len(cases)), widths, left=begin, color=colour, label=label, height=0.72)
        begin += widths
    totals = [ms(part["total"]) for part in parts]
    names = [f"{name}, E = {e:,},\n{n:,} ranks: {t} ms" for (name, e, n), t in zip(cases, totals, strict=True)]
    right.set_yticks(range(len(cases)), names)
    right.invert_yaxis()
    right.grid(axis="y", visible=False)
    right.set(xlim=(0, 1), xlabel="share of an iteration", title="Where the time goes, predicted")
    style.legend_below(right)
    style.save(fig, output)


def ms(seconds: float) -> str:
    """Milliseconds to three digits."""
    return f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:.0f}"


def header(*names: str) -> None:
    """The head of a Markdown table."""
    print()
    row(*names)
    row(*["---"] * len(names))


def row(*cells: object) -> None:
    """A row of a Markdown table."""
    print("|", " | ".join(map(str, cells)), "|", flush=True)


if __name__ == "__main__":
    main()
