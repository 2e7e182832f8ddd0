#!/usr/bin/env python3
"""A scripted agent on stdio that obeys its prompt: `agent.py` (the sidecar protocol with Claude's shapes), `agent.py acp`,
`agent.py codex`.

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


class Sidecar:
    """Our own runner protocol, with Claude Code's events."""

    def event(self, value):
        return line({"type": "agent_event", "sessionId": SESSION, "event": {**value, "session_id": SESSION}})

    def stream(self, value):
        return self.event({"type": "stream_event", "event": value, "parent_tool_use_id": None})

    def greeting(self):
        return line({"type": "ready", "capabilities": ["delta", "multi_turn"]})

    def prompt(self, request):
        if request.get("type") == "ping":
            write(line({"type": "pong"}))
        return request["prompt"] if request.get("type") == "query" else None

    def opening(self):
        return line({"type": "agent_started", "sessionId": SESSION}) + self.event(
            {"type": "system", "subtype": "init", "cwd": os.getcwd(), "model": "bench", "tools": []}
        )

    def block(self, chunks, message):
        start = {"id": message, "type": "message", "role": "assistant", "model": "bench", "content": [], "usage": {}}
        opening = self.stream({"type": "message_start", "message": start}) + self.stream(
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        )
        units = [
            self.stream({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": chunk}})
            for chunk in chunks
        ]
        whole = {**start, "content": [{"type": "text", "text": "".join(chunks)}]}
        closing = (
            self.event({"type": "assistant", "message": whole, "parent_tool_use_id": None})
            + self.stream({"type": "content_block_stop", "index": 0})
            + self.stream({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}})
            + self.stream({"type": "message_stop"})
        )
        return opening, units, closing

    def closing(self):
        done = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, "duration_ms": 1, "usage": {}}
        return self.event(done) + line({"type": "agent_stopped", "sessionId": SESSION})


class Rpc:
    """What JSON-RPC agents have in common: requests that are answered at once, and one that is the prompt."""

    def greeting(self):
        return b""

    def prompt(self, request):
        if "id" not in request or "method" not in request:
            return None
        self.asked = request["id"]
        if request["method"] == self.PROMPT:
            return self.words(request["params"])
        result = self.ANSWERS.get(request["method"])
        failed = {"error": {"code": -32601, "message": "not here"}}
        write(line({"jsonrpc": "2.0", "id": request["id"], **({"result": result} if result is not None else failed)}))
        return None

    def answer(self, result):
        return line({"jsonrpc": "2.0", "id": self.asked, "result": result})

    def tell(self, method, params):
        return line({"jsonrpc": "2.0", "method": method, "params": params})


class Acp(Rpc):
    """The Agent Client Protocol."""

    PROMPT = "session/prompt"
    ANSWERS = {"initialize": {"protocolVersion": 1}, "session/new": {"sessionId": SESSION}}

    def words(self, params):
        return "".join(block.get("text", "") for block in params["prompt"])

    def opening(self):
        return b""

    def block(self, chunks, message):
        def unit(chunk):
            said = {"sessionUpdate": "agent_message_chunk", "messageId": message, "content": {"type": "text", "text": chunk}}
            return self.tell("session/update", {"sessionId": SESSION, "update": said})

        return b"", [unit(chunk) for chunk in chunks], b""

    def closing(self):
        return self.answer({"stopReason": "end_turn"})


class Codex(Rpc):
    """`codex app-server`."""

    PROMPT = "turn/start"
    TURN = {"id": "turn", "status": "inProgress"}
    ANSWERS = {"initialize": {"codexHome": "/nowhere"}, "thread/start": {"thread": {"id": SESSION}}}

    def words(self, params):
        return "".join(piece.get("text", "") for piece in params["input"])

    def opening(self):
        self.TURN = {**self.TURN, "id": "turn-%s" % self.asked}
        return self.answer({"turn": self.TURN}) + self.tell("turn/started", {"threadId": SESSION, "turn": self.TURN})

    def block(self, chunks, message):
        place = {"threadId": SESSION, "turnId": self.TURN["id"]}
        units = [self.tell("item/agentMessage/delta", {**place, "itemId": message, "delta": chunk}) for chunk in chunks]
        item = {"type": "agentMessage", "id": message, "text": ""}
        whole = {**item, "text": "".join(chunks)}
        opening = self.tell("item/started", {**place, "item": item})
        return opening, units, self.tell("item/completed", {**place, "item": whole})

    def closing(self):
        return self.tell("turn/completed", {"threadId": SESSION, "turn": {**self.TURN, "status": "completed"}})


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


def obey(dialect, prompt, turn):
    order = re.search(r"stream (\d+) (\d+) (\d+)", prompt)
    count, rate, size = map(int, order.groups()) if order else (1, 0, 20)
    write(dialect.opening())
    units = []
    for number, chunks in enumerate(text.blocks(count, size, turn)):
        opening, block, closing = dialect.block(chunks, "msg_%d_%d" % (turn, number))
        block[0] = opening + block[0]
        block[-1] += closing
        units += block
    first, late = play(units, rate)
    log(ev="last", turn=turn, first=first, chunks=len(units), late=late)
    write(dialect.closing())
    log(ev="done", turn=turn)


def main():
    dialect = {"sidecar": Sidecar, "acp": Acp, "codex": Codex}[(sys.argv[1:] or ["sidecar"])[0]]()
    log(ev="start", pid=os.getpid())
    write(dialect.greeting())
    turn = 0
    for request in sys.stdin:
        request = json.loads(request)
        if request.get("type") == "stop":
            break
        prompt = dialect.prompt(request)
        if prompt is not None:
            turn += 1
            obey(dialect, prompt, turn)


main()
