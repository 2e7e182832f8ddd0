#!/usr/bin/env python3
"""Types in one window while an agent streams into another, and measures how long each key takes to show.

Each peer (peers/<name>.lua) goes through each scenario (scenarios.py) in a fresh Neovim with a user interface of 120x40; peers
take turns, so that a change of the machine's mood meets all. README.md says how to read what is printed.
"""
import argparse
import json
import os
import sys

import exact
import figures
import probe
import process
from desk import TAIL, Desk
from orders import Order
from scenarios import SCENARIOS, SHORT
from travel import travel

#: How much worse than `limit` the short form may be.
WORST = 3.0


def run(peer, scenario, nvim):
    """One fresh editor goes through one scenario: its figures, and what is wrong with the text in the end."""
    desk = Desk(peer, nvim)
    try:
        desk.attach()
        desk.open(scenario.beside, scenario.board)
        orders = scenario.seeded(1)
        turns, beside = [], []
        for at, order in enumerate(orders):
            beside = [
                Order(order.count, order.rate, order.size, order.kind, order.seed + 100 * (session + 1))
                for session in range(scenario.beside)
            ]
            turns.append(probe.watch(desk, order, beside, scenario.limit, at + 1 == len(orders), TAIL))
            desk.wait("the turn's end", lambda: desk.nvim.lua("return Bench.settled()"), 30)
        if not orders:
            turns.append(probe.idle(desk, 5))
        memory = sum(process.memory_mb(pid, "VmHWM") for pid in desk.backend_pids()[:1]) or None
        wrong = []
        if orders:
            wrong.append(exact.complaint(orders[-1], desk.said(0), desk.lines()))
        for session, order in enumerate(beside):
            said = desk.said(session + 1)
            if said is not None:
                wrong.append(exact.complaint(order, said, order.text().split("\n")))
        journey = travel(desk, orders[-1]) if scenario.travel else None
        return figures.summary(turns, memory, journey), [complaint for complaint in wrong if complaint]
    finally:
        desk.close()


def compare(scenarios, name, peers, rounds, nvim, record):
    """All rounds of one scenario: the median figures of each peer, and complaints."""
    results, complaints = {peer: [] for peer in peers}, []
    for number in range(rounds):
        # In turns to and fro, so that none is always the one after another.
        for peer in peers if number % 2 == 0 else reversed(peers):
            print("%s, round %d: %s" % (name, number + 1, peer), file=sys.stderr)
            try:
                result, wrong = run(peer, scenarios[name], nvim)
            except (TimeoutError, EOFError) as error:
                complaints.append("%s, %s: %s" % (name, peer, error))
                continue
            complaints += ["%s, %s: %s" % (name, peer, complaint) for complaint in wrong]
            results[peer].append(result)
            if record:
                with open(record, "a") as file:
                    file.write(json.dumps({"scenario": name, "peer": peer, "round": number + 1, **result}) + "\n")
    return {peer: figures.middle(runs) for peer, runs in results.items() if runs}, complaints


def too_slow(name, medians):
    """Where agor is worse than the short form allows."""
    limit = medians.get("limit", {})
    out = []
    for peer, row in medians.items():
        for figure in ("p99", "age50", "total", "editor"):
            if peer.startswith("agor") and figure in row and figure in limit:
                ratio = figures.ratio(figure, row[figure], limit[figure])
                if ratio > WORST:
                    told = (name, peer, figures.COLUMNS[figure][0], row[figure], ratio)
                    out.append("%s, %s: %s is %.2f, %.1f times that of limit" % told)
    return out


def short(peers, rounds, nvim):
    """Fails when a ratio is too bad, and is so again."""
    failures = []
    for name in SHORT:
        for attempt in range(2):
            medians, complaints = compare(SHORT, name, peers, rounds, nvim, None)
            print("\n%s: %s\n" % (name, SHORT[name].title))
            print("\n".join(figures.table(medians)), flush=True)
            wrong = complaints + too_slow(name, medians)
            if not wrong:
                break
            print("\n".join(wrong), file=sys.stderr)
            if attempt == 1:
                failures += wrong
            else:
                print("%s is tried once more" % name, file=sys.stderr)
    return failures


def main():
    parser = argparse.ArgumentParser(description="How an editor feels while an agent streams.")
    parser.add_argument("--rounds", type=int, help="of each scenario; 2")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    parser.add_argument("--peers", default=None)
    parser.add_argument("--record", metavar="FILE", help="adds each run's figures to it, a line of JSON each")
    parser.add_argument("--short", action="store_true", help="a minute; fails if agor is %g times worse than limit" % WORST)
    options = parser.parse_args()
    nvim = os.environ["BENCH_NVIM"]
    if options.short:
        peers = (options.peers or "limit,agor").split(",")
        failures = short(peers, options.rounds or 2, nvim)
        for sentence in failures:
            print("too slow: " + sentence, file=sys.stderr)
        sys.exit(1 if failures else 0)
    peers = (options.peers or "floor,limit,agor,agor-acp").split(",")
    wrong, broken = [], []
    for name in options.scenarios.split(","):
        medians, complaints = compare(SCENARIOS, name, peers, options.rounds or 2, nvim, options.record)
        wrong += complaints
        print("\n%s: %s\n" % (name, SCENARIOS[name].title))
        print("\n".join(figures.table(medians)), flush=True)
        for peer in medians:
            if peer.startswith("agor"):
                broken += figures.broken_bounds(name, peer, medians[peer])
    print("\nTimes are net of other programs. limit: what a backend that does nothing can reach; x: of its figure.")
    for sentence in broken:
        print("over its bound: " + sentence)
    for sentence in wrong:
        print("wrong: " + sentence, file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
