"""OpenAI's Responses API, as Codex speaks it."""
import itertools
import json
import time
import uuid

from . import script

RESULTS = ("function_call_output", "custom_tool_call_output", "local_shell_call_output")


def said(item):
    content = item.get("content")
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content or [] if isinstance(part, dict))


def fresh(prefix):
    return prefix + uuid.uuid4().hex[:10]


class Api:
    # What comes of a text before its connection breaks: created, added, part added, two words.
    cut = 5
    streams = True

    def __init__(self, body):
        self.body = body
        given = body.get("input") or []
        self.input = [{"role": "user", "content": given}] if isinstance(given, str) else given
        message = lambda item: item.get("type", "message") == "message"
        self.messages = [(item.get("role") if message(item) else None, said(item) if message(item) else "") for item in self.input]
        self.tools = {tool.get("name") or tool.get("type"): tool for tool in body.get("tools", [])}
        # Newer models get their tools in an item of the input.
        for item in self.input:
            if item.get("type") == "additional_tools":
                self.tools.update({tool.get("name"): tool for tool in item.get("tools", [])})
        # A question for a value of some shape, such as a title, is none of the conversation, whatever tools it comes with.
        self.schema = ((body.get("text") or {}).get("format") or {}).get("schema")
        if self.schema:
            self.tools = {}

    def step(self, index):
        return sum(1 for item in self.input[index + 1:] if item.get("type") in RESULTS)

    def last_result(self):
        outputs = [item.get("output") for item in self.input if item.get("type") in RESULTS]
        return outputs[-1] if outputs and isinstance(outputs[-1], str) else json.dumps(outputs[-1:])

    def failure(self, code, message):
        return {"error": {"message": message, "type": "server_error" if code >= 500 else "invalid_request_error", "code": None}}

    def aside(self):
        if self.schema:
            return self.parts([script.text(json.dumps({name: "mock" for name in self.schema.get("properties") or {}}))], 0)
        return self.parts([script.text("Mock title")], 0)

    def parts(self, parts, step):
        number = itertools.count()

        def event(kind, **fields):
            return "event: %s\ndata: %s\n\n" % (kind, json.dumps({"type": kind, "sequence_number": next(number), **fields}))

        base = {"id": fresh("resp_"), "object": "response", "created_at": int(time.time()), "model": self.body.get("model"), "status": "in_progress", "output": []}
        yield event("response.created", response=base)
        output = []
        for index, part in enumerate(parts):
            if isinstance(part, script.Text):
                item = {"type": "message", "id": fresh("msg_"), "role": "assistant"}
                at = {"item_id": item["id"], "output_index": index, "content_index": 0}
                yield event("response.output_item.added", output_index=index, item={**item, "status": "in_progress", "content": []})
                yield event("response.content_part.added", **at, part={"type": "output_text", "text": "", "annotations": []})
                for word in part.words:
                    if part.delay:
                        yield part.delay
                    yield event("response.output_text.delta", **at, delta=word)
                whole = "".join(part.words)
                yield event("response.output_text.done", **at, text=whole)
                item = {**item, "status": "completed", "content": [{"type": "output_text", "text": whole, "annotations": []}]}
            elif isinstance(part, script.Reason):
                item = {"type": "reasoning", "id": fresh("rs_")}
                at = {"item_id": item["id"], "output_index": index, "summary_index": 0}
                yield event("response.output_item.added", output_index=index, item={**item, "summary": []})
                yield event("response.reasoning_summary_part.added", **at, part={"type": "summary_text", "text": ""})
                for word in script.words(part.text):
                    yield event("response.reasoning_summary_text.delta", **at, delta=word)
                summary = {"type": "summary_text", "text": part.text}
                yield event("response.reasoning_summary_text.done", **at, text=part.text)
                yield event("response.reasoning_summary_part.done", **at, part=summary)
                item = {**item, "summary": [summary], "encrypted_content": "bW9jaw=="}
            else:
                item = self.call(part)
                key = "input" if item["type"] == "custom_tool_call" else "arguments"
                yield event("response.output_item.added", output_index=index, item={**item, key: "", "status": "in_progress"})
                kind = "response.custom_tool_call_input" if key == "input" else "response.function_call_arguments"
                yield event(kind + ".delta", item_id=item["id"], output_index=index, delta=item[key])
                yield event(kind + ".done", item_id=item["id"], output_index=index, **{key: item[key]})
            yield event("response.output_item.done", output_index=index, item=item)
            output.append(item)
        usage = {
            "input_tokens": 1200 + 100 * step,
            "input_tokens_details": {"cached_tokens": 1000 if step else 0},
            "output_tokens": 25,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 1225 + 100 * step,
        }
        yield event("response.completed", response={**base, "status": "completed", "output": output, "usage": usage})

    def call(self, tool):
        given = tool.input
        if tool.kind == "shell":
            outside = {"sandbox_permissions": "require_escalated", "justification": "May this run outside the sandbox?"}
            return self.function("exec_command", {"cmd": given["command"], "yield_time_ms": 10000, **(outside if given["escalated"] else {})})
        if tool.kind == "read":
            return self.function("exec_command", {"cmd": "cat " + given["path"], "yield_time_ms": 10000})
        if tool.kind == "plan":
            steps = [{"step": step, "status": status} for step, status in given["steps"]]
            return self.function("update_plan", {"explanation": "Working through it", "plan": steps})
        if tool.kind == "ask":
            options = [{"label": option, "description": option} for option in given["options"]]
            question = {"id": "choice", "header": "Choice", "question": given["question"], "options": options}
            return self.function("request_user_input", {"questions": [question]})
        if tool.kind == "delegate":
            task = {"task_name": given["name"], "message": given["task"], "fork_turns": "none"}
            return {**self.function("spawn_agent", task), "namespace": "collaboration"}
        if tool.kind == "await":
            return {**self.function("wait_agent", {"timeout_ms": 20000}), "namespace": "collaboration"}
        if tool.kind == "mcp":
            return {**self.function(given["tool"], given["input"]), "namespace": "mcp__" + given["server"]}
        if tool.kind == "edit":
            change = "*** Update File: %(path)s\n@@\n-%(old)s\n+%(new)s\n" % given
        else:
            added = "".join("+%s\n" % line for line in given["content"].splitlines())
            change = "*** Add File: %s\n%s" % (given["path"], added)
        patch = "*** Begin Patch\n%s*** End Patch\n" % change
        if self.tools.get("apply_patch", {}).get("type") == "custom":
            return {"type": "custom_tool_call", "id": fresh("ctc_"), "call_id": fresh("call_"), "name": "apply_patch", "input": patch, "status": "completed"}
        # A model that Codex does not know has no such tool, but this command is taken for one.
        return self.function("exec_command", {"cmd": "apply_patch <<'EOF'\n%sEOF\n" % patch})

    def function(self, name, arguments):
        return {"type": "function_call", "id": fresh("fc_"), "call_id": fresh("call_"), "name": name, "arguments": json.dumps(arguments), "status": "completed"}
