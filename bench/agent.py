#!/usr/bin/env python3
"""A scripted agent on stdio that obeys its prompt (orders.py): `agent.py` (the sidecar protocol with Claude's shapes),
`agent.py acp`, `agent.py codex`.

All bytes are rendered before the clock starts, so that the agent is never what one waits for. What it did and when
(CLOCK_MONOTONIC, as Neovim and the driver have it) goes to the file BENCH_LOG, one JSON object a line.
"""
import json
import os
import sys
import time

from dialects import DIALECTS
from orders import Order

LOG = open(os.environ["BENCH_LOG"], "a", buffering=1)


def log(**event):
    event.setdefault("t", time.monotonic())
    LOG.write(json.dumps(event) + "\n")


def write(data):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view[: 1 << 18]) :]


def play(units, rate):
    first = time.monotonic()
    if rate <= 0:
        write(b"".join(units))
        return first, 0.0
    sent, late = 0, 0.0
    while sent < len(units):
        now = time.monotonic()
        due = min(len(units), int((now - first) * rate) + 1)
        if due > sent:
            write(b"".join(units[sent:due]))
            sent = due
            late = max(late, time.monotonic() - (first + (sent - 1) / rate))
        else:
            time.sleep(max(0.0, min(0.001, first + sent / rate - now)))
    return first, late


def obey(dialect, order):
    write(dialect.opening())
    units = [dialect.edit(edit) for edit in order.edits()]
    for number, chunks in enumerate(order.blocks()):
        opening, block, closing = dialect.block(chunks, "message_%d_%d" % (order.seed, number))
        block[0] = opening + block[0]
        block[-1] += closing
        units += block
    first, late = play(units, order.rate)
    log(ev="last", seed=order.seed, first=first, chunks=len(units), late=late)
    write(dialect.closing())
    log(ev="done", seed=order.seed)


def main():
    dialect = DIALECTS[(sys.argv[1:] or ["sidecar"])[0]]()
    log(ev="start", pid=os.getpid())
    write(dialect.greeting())
    for request in sys.stdin:
        request = json.loads(request)
        if request.get("type") == "stop":
            break
        prompt, answer = dialect.receive(request)
        write(answer)
        if prompt is not None:
            obey(dialect, Order.read(prompt))


main()
