#!/usr/bin/env python3
"""A scripted agent: speaks the sidecar protocol with Claude's shapes on stdio, and obeys its prompt.

    stream COUNT RATE SIZE    about COUNT chunks of SIZE characters, RATE a second (0: as fast as they are taken)

All bytes are rendered before the clock starts, so that the agent is never what one waits for. What it did and when
(CLOCK_MONOTONIC, as Neovim and the driver have it) goes to the file BENCH_LOG, one JSON object a line.
"""
import json
import os
import re
import sys
import time

import text

LOG = open(os.environ["BENCH_LOG"], "a", buffering=1)
SESSION = "bench"


def log(**event):
    event.setdefault("t", time.monotonic())
    LOG.write(json.dumps(event) + "\n")


def write(data):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view[: 1 << 18]) :]


def line(value):
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def event(value):
    return line({"type": "agent_event", "sessionId": SESSION, "event": {**value, "session_id": SESSION}})


def stream(value):
    return event({"type": "stream_event", "event": value, "parent_tool_use_id": None})


def block_units(chunks, message):
    """One message with one block of text: a unit of bytes for each chunk, what opens and closes it at its ends."""
    start = {"id": message, "type": "message", "role": "assistant", "model": "bench", "content": [], "usage": {}}
    opening = stream({"type": "message_start", "message": start}) + stream(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    )
    units = [
        stream({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": chunk}})
        for chunk in chunks
    ]
    whole = {**start, "content": [{"type": "text", "text": "".join(chunks)}]}
    closing = (
        event({"type": "assistant", "message": whole, "parent_tool_use_id": None})
        + stream({"type": "content_block_stop", "index": 0})
        + stream({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}})
        + stream({"type": "message_stop"})
    )
    units[0] = opening + units[0]
    units[-1] += closing
    return units


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


def obey(prompt, turn):
    order = re.search(r"stream (\d+) (\d+) (\d+)", prompt)
    count, rate, size = map(int, order.groups()) if order else (1, 0, 20)
    units = []
    for number, chunks in enumerate(text.blocks(count, size, turn)):
        units += block_units(chunks, "msg_%d_%d" % (turn, number))
    write(
        line({"type": "agent_started", "sessionId": SESSION})
        + event({"type": "system", "subtype": "init", "cwd": os.getcwd(), "model": "bench", "tools": []})
    )
    first, late = play(units, rate)
    log(ev="last", turn=turn, first=first, chunks=len(units), late=late)
    write(
        event({"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, "duration_ms": 1, "usage": {}})
        + line({"type": "agent_stopped", "sessionId": SESSION})
    )
    log(ev="done", turn=turn)


def main():
    log(ev="start", pid=os.getpid())
    write(line({"type": "ready", "capabilities": ["delta", "multi_turn"]}))
    turn = 0
    for request in sys.stdin:
        request = json.loads(request)
        if request.get("type") == "query":
            turn += 1
            obey(request["prompt"], turn)
        elif request.get("type") == "ping":
            write(line({"type": "pong"}))
        elif request.get("type") == "stop":
            break


main()
