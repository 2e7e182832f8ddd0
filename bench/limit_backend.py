"""The backend of the peer `limit`: owns the agent, and pushes its text in batches, one in flight, 60 a second at most.
Without a buffer it only reads."""
import collections
import json
import os
import selectors
import subprocess
import sys
import time

import msgpack

NUMBER, BUFFER, WINDOW = map(int, sys.argv[1:4])
AGENT = sys.argv[4:]
FRAME = 1 / 60
BATCH = 16384

agent = subprocess.Popen(AGENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
os.set_blocking(agent.stdout.fileno(), False)
os.set_blocking(0, False)
selector = selectors.DefaultSelector()
selector.register(agent.stdout.fileno(), selectors.EVENT_READ)
selector.register(0, selectors.EVENT_READ)
unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)

pending, row, column = collections.deque(), 0, 0
in_flight, request_id, last_push = False, 0, 0.0
finished = False
partial = b""


def write(fd, data):
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            time.sleep(0.001)


def tell(state):
    write(1, msgpack.packb([2, "nvim_exec_lua", ["LimitState(...)", [NUMBER, state]]]))


def receive(message):
    global finished
    if message["type"] == "ready":
        tell("ready")
    elif message["type"] == "agent_stopped":
        finished = True
    elif message["type"] == "agent_event":
        event = message["event"]
        show(((event.get("event") or {}).get("delta") or {}).get("text", ""))
        result = event.get("tool_use_result")
        if result:
            lines = "\n".join(result["structuredPatch"][0]["lines"])
            show("\n* Edit %s\n```diff\n%s\n```\n" % (result["filePath"], lines))


def show(text):
    if BUFFER and text:
        pending.append(text)


def push():
    global row, column, in_flight, request_id, last_push
    parts, length = [], 0
    while pending and length < BATCH:
        part = pending.popleft()
        if length + len(part) > BATCH:
            pending.appendleft(part[BATCH - length :])
            part = part[: BATCH - length]
        parts.append(part)
        length += len(part)
    text = "".join(parts)
    lines = text.split("\n")
    calls = [["nvim_buf_set_text", [BUFFER, row, column, row, column, lines]]]
    column = len(lines[-1].encode()) + (column if len(lines) == 1 else 0)
    row += len(lines) - 1
    calls.append(["nvim_win_set_cursor", [WINDOW, [row + 1, 0]]])
    request_id += 1
    in_flight, last_push = True, time.monotonic()
    write(1, msgpack.packb([0, request_id, "nvim_call_atomic", [calls]]))


while True:
    wait = None
    if pending and not in_flight:
        wait = max(0, last_push + FRAME - time.monotonic())
        if wait == 0:
            push()
            wait = None
    elif finished and not pending and not in_flight:
        finished = False
        tell("done")
    for key, _ in selector.select(wait):
        try:
            data = os.read(key.fd, 1 << 18)
        except BlockingIOError:
            continue
        if not data:
            agent.stdin.close()
            sys.exit(0)
        if key.fd == 0:
            unpacker.feed(data)
            for message in unpacker:
                if message[0] == 1:
                    in_flight = False
                elif message[0] == 2 and message[1] == "prompt":
                    query = {"type": "query", "sessionId": "bench", "prompt": message[2][0]}
                    write(agent.stdin.fileno(), (json.dumps(query) + "\n").encode())
        else:
            *lines, partial = (partial + data).split(b"\n")
            for line in lines:
                receive(json.loads(line))
