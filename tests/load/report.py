"""The figures as Markdown tables, ratios first, and as a picture."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.load.clients import Run
from tests.load.contenders import RIVALS, SERVERS, beside_name, floor
from tests.load.experiments import STEADY, Memory, Pair, Start, Table
from tests.load.experiments import Figures as Figures
from tests.load.workloads import HOT, WORKLOADS, ZIPF

MEBIBYTE = 2**20
EXPRESS = RIVALS[0].name


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table: the first column left-aligned, figures right-aligned."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def comparison(found: Table) -> str:
    """Return all figures: CPU as a ratio to the server alone and to Express, then as measured."""
    express = {workload.name: found.get((EXPRESS, workload.name)) for workload in WORKLOADS}
    rows = []
    for (name, workload), figures in found.items():
        bare = found.get((floor(name).name, HOT.name))
        rival = express[workload] or express[HOT.name]
        rows.append(
            (
                name,
                workload,
                f"x{figures.cpu_us / bare.cpu_us:.2f}" if bare else "",
                f"x{figures.cpu_us / rival.cpu_us:.2f}" if rival else "",
                f"{figures.cpu_us:.0f}",
                f"{figures.per_second:,.0f}",
                f"{figures.p50:.1f}",
                f"{figures.p99:.1f}",
            )
        )
    heads = ("", "", "CPU to the bare server", "CPU to Express", "CPU us", "requests/s", "p50 ms", "p99 ms")
    return table(heads, rows)


def steadiness(found: Mapping[str, Run]) -> str:
    """Latencies at a steady rate."""
    rows = [(name, f"{run.p50:.1f}", f"{run.p99:.1f}") for name, run in found.items()]
    return table((f"hot, {STEADY} requests/s", "p50 ms", "p99 ms"), rows)


def memories(found: Mapping[str, Memory]) -> str:
    """Memory before and after."""
    rows = [
        (name, *(f"{each / MEBIBYTE:.0f}" for each in (seen.at_first, seen.warm, seen.at_last)))
        for name, seen in found.items()
    ]
    return table(("resident MiB", "at first", "warm", "at last"), rows)


def starts(found: Mapping[str, Start]) -> str:
    """Seconds to the first answer, beside those of another checkout where there is one."""
    rows = []
    for name, took in found.items():
        other = found.get(beside_name(name))
        ratios = (f"x{took.wall / other.wall:.2f}", f"x{took.cpu / other.cpu:.2f}") if other else ("", "")
        rows.append((name, *ratios, f"{took.wall:.2f}", f"{took.cpu:.2f}"))
    return table(("", "to the other checkout", "its CPU", "first answer, s", "CPU, s"), rows)


def thread_counts(found: Mapping[tuple[str, int], Mapping[str, Figures]]) -> str:
    """Return the figures by number of threads."""
    rows = [
        (
            server,
            number,
            *(f"{each.per_second:,.0f} ({each.cpu_us:.0f} us, p99 {each.p99:.0f} ms)" for each in figures.values()),
        )
        for (server, number), figures in found.items()
    ]
    return table(("requests/s", "THREADS", *next(iter(found.values()))), rows)


def pairs(found: Mapping[tuple[str, str, str], Pair]) -> str:
    """Return the figures of a second process."""
    rows = [
        (
            server,
            workload,
            way,
            f"x{pair.per_second / found[server, workload, 'one'].per_second:.2f}",
            f"{pair.per_second:,.0f}",
            f"{pair.p99:.1f}",
            f"{pair.larger_part:.0%}" if way != "one" else "",
        )
        for (server, workload, way), pair in found.items()
    ]
    return table(("", "", "", "to one process", "requests/s", "p99 ms", "worst share of one"), rows)


def draw(found: Table, path: Path) -> None:
    """Draw CPU per request; smaller is better."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    mpl.rcParams["svg.hashsalt"] = "shop"  # the same picture from the same figures
    names = [*(name for server in SERVERS for name in (floor(server).name, server)), *(each.name for each in RIVALS)]
    figure, axes = pyplot.subplots(figsize=(9, 5))
    for offset, workload in ((-0.2, HOT), (0.2, ZIPF)):
        known = [
            (at, found[name, workload.name].cpu_us) for at, name in enumerate(names) if (name, workload.name) in found
        ]
        bars = axes.barh([at + offset for at, _ in known], [cpu for _, cpu in known], 0.38, label=workload.name)
        axes.bar_label(bars, fmt="%.0f", padding=3)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("CPU of the server's processes for each request, microseconds")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
