"""What agents say: text in chunks and edits of files, in the words of each protocol. Bytes for an agent to write; no clock."""
import json
import os

SESSION = "bench"


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

    def receive(self, request):
        """What the request asks for, and what is answered at once."""
        answer = line({"type": "pong"}) if request.get("type") == "ping" else b""
        return request["prompt"] if request.get("type") == "query" else None, answer

    def opening(self):
        return line({"type": "agent_started", "sessionId": SESSION}) + self.event(
            {"type": "system", "subtype": "init", "cwd": os.getcwd(), "model": "bench", "tools": []}
        )

    def message(self, name, content):
        return {"id": name, "type": "message", "role": "assistant", "model": "bench", "content": content, "usage": {}}

    def block(self, chunks, name):
        opening = self.stream({"type": "message_start", "message": self.message(name, [])}) + self.stream(
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        )
        units = [
            self.stream({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": chunk}})
            for chunk in chunks
        ]
        whole = self.message(name, [{"type": "text", "text": "".join(chunks)}])
        closing = (
            self.event({"type": "assistant", "message": whole, "parent_tool_use_id": None})
            + self.stream({"type": "content_block_stop", "index": 0})
            + self.stream({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}})
            + self.stream({"type": "message_stop"})
        )
        return opening, units, closing

    def edit(self, edit):
        given = {"file_path": edit.path, "old_string": edit.side(False), "new_string": edit.side(True)}
        use = {"type": "tool_use", "id": edit.id, "name": "Edit", "input": given}
        result = {"type": "tool_result", "tool_use_id": edit.id, "content": "The file has been updated."}
        hunk = edit.hunk()
        sides = [sum(line[0] in (" ", sign) for line in hunk) for sign in "-+"]
        patch = {"oldStart": 1, "oldLines": sides[0], "newStart": 1, "newLines": sides[1], "lines": hunk}
        return self.event(
            {"type": "assistant", "message": self.message("message_" + edit.id, [use]), "parent_tool_use_id": None}
        ) + self.event(
            {
                "type": "user", "message": {"role": "user", "content": [result]}, "parent_tool_use_id": None,
                "tool_use_result": {"filePath": edit.path, "structuredPatch": [patch]},
            }
        )

    def closing(self):
        done = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, "duration_ms": 1, "usage": {}}
        return self.event(done) + line({"type": "agent_stopped", "sessionId": SESSION})


class Rpc:
    """What JSON-RPC agents have in common: requests that are answered at once, and one that is the prompt."""

    def greeting(self):
        return b""

    def receive(self, request):
        if "id" not in request or "method" not in request:
            return None, b""
        self.asked = request["id"]
        if request["method"] == self.PROMPT:
            return self.words(request["params"]), b""
        result = self.ANSWERS.get(request["method"])
        failed = {"error": {"code": -32601, "message": "not here"}}
        return None, line(
            {"jsonrpc": "2.0", "id": request["id"], **({"result": result} if result is not None else failed)}
        )

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

    def update(self, what, **fields):
        return self.tell("session/update", {"sessionId": SESSION, "update": {"sessionUpdate": what, **fields}})

    def opening(self):
        return b""

    def block(self, chunks, name):
        say = lambda chunk: self.update("agent_message_chunk", messageId=name, content={"type": "text", "text": chunk})
        return b"", [say(chunk) for chunk in chunks], b""

    def edit(self, edit):
        diff = {"type": "diff", "path": edit.path, "oldText": edit.side(False), "newText": edit.side(True)}
        return self.update(
            "tool_call", toolCallId=edit.id, title="Edit " + edit.path, kind="edit", status="in_progress", content=[],
            locations=[{"path": edit.path, "line": 1}], rawInput={"path": edit.path},
        ) + self.update("tool_call_update", toolCallId=edit.id, status="completed", content=[diff])

    def closing(self):
        return self.answer({"stopReason": "end_turn"})


class Codex(Rpc):
    """`codex app-server`."""

    PROMPT = "turn/start"
    TURN = {"id": "turn", "status": "inProgress"}
    ANSWERS = {"initialize": {"codexHome": "/nowhere"}, "thread/start": {"thread": {"id": SESSION}}}

    def words(self, params):
        return "".join(piece.get("text", "") for piece in params["input"])

    def item(self, method, item):
        return self.tell(method, {"threadId": SESSION, "turnId": self.TURN["id"], "item": item})

    def opening(self):
        self.TURN = {**self.TURN, "id": "turn-%s" % self.asked}
        return self.answer({"turn": self.TURN}) + self.tell("turn/started", {"threadId": SESSION, "turn": self.TURN})

    def block(self, chunks, name):
        place = {"threadId": SESSION, "turnId": self.TURN["id"], "itemId": name}
        units = [self.tell("item/agentMessage/delta", {**place, "delta": chunk}) for chunk in chunks]
        item = {"type": "agentMessage", "id": name, "text": ""}
        whole = {**item, "text": "".join(chunks)}
        return self.item("item/started", item), units, self.item("item/completed", whole)

    def edit(self, edit):
        hunk = edit.hunk()
        sides = [sum(line[0] in (" ", sign) for line in hunk) for sign in "-+"]
        diff = "@@ -1,%d +1,%d @@\n" % tuple(sides) + "".join(line + "\n" for line in hunk)
        change = {"path": edit.path, "kind": {"type": "update", "move_path": None}, "diff": diff}
        item = {"type": "fileChange", "id": edit.id, "changes": [change], "status": "inProgress"}
        return self.item("item/started", item) + self.item("item/completed", {**item, "status": "completed"})

    def closing(self):
        return self.tell("turn/completed", {"threadId": SESSION, "turn": {**self.TURN, "status": "completed"}})


DIALECTS = {"sidecar": Sidecar, "acp": Acp, "codex": Codex}
