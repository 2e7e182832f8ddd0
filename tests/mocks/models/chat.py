"""OpenAI's chat completions, as OpenCode speaks them."""
import json
import os
import re
import time
import uuid

from . import script


def said(content):
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content or [] if isinstance(part, dict))


class Api:
    # What comes of a text before its connection breaks: the role, two words.
    cut = 3

    def __init__(self, body):
        self.body = body
        self.given = body.get("messages") or []
        self.messages = [(message.get("role"), said(message.get("content"))) for message in self.given]
        self.tools = [tool["function"]["name"] for tool in body.get("tools", []) if tool.get("function")]
        self.streams = bool(body.get("stream"))
        system = " ".join(text for role, text in self.messages if role == "system")
        folder = re.search(r"working directory: (\S+)", system, re.IGNORECASE)
        self.folder = folder[1] if folder else ""

    def step(self, index):
        return sum(1 for message in self.given[index + 1:] if message.get("role") == "tool")

    def last_result(self):
        results = [text for role, text in self.messages if role == "tool"]
        return results[-1] if results else ""

    def failure(self, code, message):
        return {"error": {"message": message, "type": "server_error" if code >= 500 else "invalid_request_error", "code": None}}

    def aside(self):
        if self.streams:
            return self.parts([script.text("Mock title")], 0)
        message = {"role": "assistant", "content": "Mock title"}
        return {**self.head("chat.completion"), "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": self.usage(0)}

    def head(self, kind):
        return {"id": "chatcmpl-mock", "object": kind, "created": int(time.time()), "model": self.body.get("model")}

    def usage(self, step):
        return {"prompt_tokens": 900 + 50 * step, "completion_tokens": 25, "total_tokens": 925 + 50 * step}

    def parts(self, parts, step):
        head = self.head("chat.completion.chunk")

        def chunk(delta, finish=None, **more):
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return "data: %s\n\n" % json.dumps({**head, "choices": [choice], **more})

        yield chunk({"role": "assistant", "content": ""})
        calls = 0
        for part in parts:
            if isinstance(part, script.Text):
                for word in part.words:
                    if part.delay:
                        yield part.delay
                    yield chunk({"content": word})
            elif isinstance(part, script.Reason):
                for word in script.words(part.text):
                    yield chunk({"reasoning_content": word})
            else:
                name, arguments = self.call(part)
                call = {"index": calls, "id": "call_" + uuid.uuid4().hex[:10], "type": "function"}
                yield chunk({"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]})
                yield chunk({"tool_calls": [{"index": calls, "function": {"arguments": json.dumps(arguments)}}]})
                calls += 1
        yield chunk({}, "tool_calls" if calls else "stop", usage=self.usage(step))
        yield "data: [DONE]\n\n"

    def call(self, tool):
        given = tool.input
        path = os.path.join(self.folder, given["path"]) if "path" in given else ""
        if tool.kind == "shell":
            return "bash", {"command": given["command"], "description": "Runs the command of the script"}
        if tool.kind == "read":
            return "read", {"filePath": path}
        if tool.kind == "edit":
            return "edit", {"filePath": path, "oldString": given["old"], "newString": given["new"]}
        if tool.kind == "write":
            return "write", {"filePath": path, "content": given["content"]}
        steps = [{"id": str(number), "content": step, "status": status, "priority": "medium"} for number, (step, status) in enumerate(given["steps"])]
        return "todowrite", {"todos": steps}
