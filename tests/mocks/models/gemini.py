"""Gemini's generateContent, as Gemini CLI speaks it."""
import json
import uuid

from . import script

DEFAULTS = {"boolean": False, "number": 0, "integer": 0, "array": [], "object": {}}


class Api:
    # What comes of a text before its connection breaks: two words.
    cut = 2

    def __init__(self, body, streams):
        self.body = body
        self.streams = streams
        self.contents = body.get("contents") or []
        self.messages = [(one.get("role"), " ".join(part.get("text", "") for part in one.get("parts", []))) for one in self.contents]
        self.tools = [one.get("name") for tool in body.get("tools", []) for one in tool.get("functionDeclarations", [])]
        # A question for a value of some shape is none of the conversation.
        if self.schema() is not None:
            self.tools = []

    def schema(self):
        config = self.body.get("generationConfig", {})
        wanted = config.get("responseJsonSchema") or config.get("responseSchema")
        return wanted if wanted or config.get("responseMimeType") != "application/json" else {}

    def step(self, index):
        return sum(1 for one in self.contents[index + 1:] for part in one.get("parts", []) if "functionResponse" in part)

    def last_result(self):
        results = [part["functionResponse"] for one in self.contents for part in one.get("parts", []) if "functionResponse" in part]
        return json.dumps(results[-1].get("response")) if results else ""

    def failure(self, code, message):
        status = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED"}.get(code, "INTERNAL")
        return {"error": {"code": code, "message": message, "status": status}}

    def aside(self):
        schema = self.schema()
        if schema is None:
            text = "mock"
        else:
            fill = lambda of: (of.get("enum") or [DEFAULTS.get(str(of.get("type")).lower(), "mock")])[0]
            text = json.dumps({name: fill(of) for name, of in (schema.get("properties") or {}).items()})
        value = self.value([{"text": text}], 0, "STOP")
        return [self.event(value)] if self.streams else value

    def value(self, parts, step, finish=None):
        candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        usage = {"promptTokenCount": 900 + 50 * step, "candidatesTokenCount": 25, "totalTokenCount": 925 + 50 * step}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "mock"}

    def event(self, value):
        return "data: %s\r\n\r\n" % json.dumps(value)

    def parts(self, parts, step):
        for part in parts:
            if isinstance(part, script.Text):
                for word in part.words:
                    if part.delay:
                        yield part.delay
                    yield self.event(self.value([{"text": word}], step))
            elif isinstance(part, script.Reason):
                yield self.event(self.value([{"text": part.text, "thought": True}], step))
            else:
                name, arguments = self.call(part)
                call = {"name": name, "args": arguments, "id": "call_" + uuid.uuid4().hex[:8]}
                yield self.event(self.value([{"functionCall": call}], step))
        yield self.event(self.value([{"text": ""}], step, "STOP"))

    def call(self, tool):
        given = tool.input
        if tool.kind == "shell":
            return "run_shell_command", {"command": given["command"], "description": "Runs the command of the script"}
        if tool.kind == "read":
            return "read_file", {"file_path": given["path"]}
        if tool.kind == "edit":
            return "replace", {"file_path": given["path"], "old_string": given["old"], "new_string": given["new"], "instruction": "Change the greeting", "expected_replacements": 1}
        if tool.kind == "write":
            return "write_file", {"file_path": given["path"], "content": given["content"]}
        return "write_todos", {"todos": [{"description": step, "status": status} for step, status in given["steps"]]}
