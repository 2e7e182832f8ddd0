"""Many measurements as few figures: percentiles, medians of rounds, ratios to a peer, bounds. Pure."""
import statistics

from probe import PERIOD

#: name: (head of its column, digits)
COLUMNS = {
    "p50": ("p50 ms", 2), "p99": ("p99 ms", 2), "max": ("max ms", 1), "age50": ("age ms", 0), "age95": ("age95", 0),
    "total": ("total s", 2), "editor": ("nvim s", 2), "backend": ("beside s", 2), "growth": ("10th/1st", 2),
    "memory": ("peak MB", 0), "page": ("page max", 1), "search": ("find s", 2), "stall": ("stall ms", 1),
}
#: Below these two peers are the same: what is smaller is noise of the machine.
RESOLUTION = {"p50": 0.5, "p99": 1.0, "max": 4.0, "age50": 8.0, "age95": 16.0, "total": 0.5, "editor": 0.1}
#: What agor must reach, by scenario; "" is every one.
BOUNDS = {
    "": {"p99": 2, "max": 16, "growth": 1.2},
    "s2000": {"age50": 20, "age95": 40, "editor": 0.8},
    "m2000": {"age50": 20, "age95": 40, "editor": 0.8},
    "wide": {"age50": 20, "age95": 40},
    "many": {"age50": 20, "age95": 40},
    "flood": {"total": 3},
}


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * percent / 100))] if values else None


def with_omitted(latencies):
    """While one key hung for L ms, the keys of those L ms would have waited L-20, L-40, ... ms."""
    out = []
    for latency in latencies:
        while latency > 0:
            out.append(latency)
            latency -= PERIOD * 1000
    return out


def summary(turns, memory, journey=None):
    """The figures of one run, from what was measured in each of its turns."""
    keys = with_omitted([latency for turn in turns for latency in turn["latencies"]])
    ages = [age for turn in turns for age in turn.get("ages", [])]
    out = {"p50": percentile(keys, 50), "p99": percentile(keys, 99), "max": max(keys), "memory": memory}
    if ages:
        out.update(age50=percentile(ages, 50), age95=percentile(ages, 95))
    costs = [turn["editor"] + turn["backend"] for turn in turns if "editor" in turn]
    if costs:
        out.update(
            total=sum(turn["total"] for turn in turns), editor=sum(turn["editor"] for turn in turns) / 1000,
            backend=sum(turn["backend"] for turn in turns) / 1000,
        )
    if len(costs) > 1:
        out["growth"] = costs[-1] / costs[0]
    if journey:
        out.update(page=max(journey["latencies"]), search=journey["search"], stall=journey["search_stall"])
    return out


def middle(runs):
    """Of each figure the median, if all rounds have it."""
    names = [name for name in COLUMNS if all(run.get(name) is not None for run in runs)]
    return {name: statistics.median(run[name] for run in runs) for name in names}


def ratio(name, value, base):
    least = RESOLUTION.get(name, 0)
    return max(value, least) / max(base, least) if max(base, least) else None


def table(medians, base="limit"):
    """Lines of text: a row for each peer, and below what it is of the base's."""
    names = [name for name in COLUMNS if any(name in row for row in medians.values())]
    head = "%-12s" % "peer" + "".join("%10s" % COLUMNS[name][0] for name in names)
    lines = [head]
    for peer, row in medians.items():
        cells = ["%10s" % ("-" if name not in row else "%.*f" % (COLUMNS[name][1], row[name])) for name in names]
        lines.append("%-12s" % peer + "".join(cells))
        if base in medians and peer != base:
            against = medians[base]
            cells = []
            for name in names:
                known = name in row and name in against and name in RESOLUTION
                cells.append("%10s" % ("%.1fx" % ratio(name, row[name], against[name]) if known else ""))
            lines.append("%-12s" % "" + "".join(cells))
    return lines


def broken_bounds(scenario, peer, row):
    bounds = {**BOUNDS[""], **BOUNDS.get(scenario, {})}
    return [
        "%s, %s: %s is %.2f, its bound %g" % (scenario, peer, COLUMNS[name][0], row[name], bound)
        for name, bound in bounds.items()
        if row.get(name, 0) > bound
    ]
