#!/usr/bin/env python3
"""A stand-in for an Ollama server (stdlib only), shaped after the server's source, 0.33. It listens on loopback alone and
ends with its stdin.

Usage: mock_ollama.py PORT LOG [--empty] [--old] [--no-max] [--cert FILE --key FILE]
  PORT 0 picks a free port; the first line of stdout is the port, later ones are `closed SCENARIO` whenever a client has
  gone in the middle of an answer, and `asked hang`. LOG gets a JSON value a line: {"path", "body"} of each request, {"closed": scenario},
  {"finished": scenario} at an answer's end.
  --empty: no models. --old: no capabilities in /api/tags and none in /api/show. --no-max: it knows no think level max.

What is answered says the last `scenario:NAME[:ARG]` in the last user message of /api/chat:
  text | thinking | long:N | length (done_reason=length) | said (what was said before, without such answers)
  slow (words, one every 10 ms, until the client has gone) | hang (headers never come, until the client has gone)
  err-start (HTTP 500) | err-mid (an error object in the stream, status stays 200) | cut (closed in the middle)
  drop (closed before any reply) | busy (503) | unauthorized (401 + signin_url) | limit (429) | full (400, too long)
  redirect (307) | html (200, text/html) | nonsense (200, a line that is no JSON) | early-end (ends without done:true)
Lines `call NAME {json}` in it are tool calls, one an answer, `calls` on a line of its own puts all into one answer; when all
have their results the answer repeats those.
Models: mock-tools:latest (completion, tools, thinking), mock-plain:latest (completion only), mock-liar:latest (says that it has
tools and thinking, and refuses both), mock-eyes:latest (completion, vision), mock-embed:latest (embedding only)
"""
import argparse, datetime, hashlib, json, os, re, select, ssl, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "0.33.0"
MODELS = {
    "mock-tools:latest": dict(family="mock", caps=["completion", "tools", "thinking"], ctx=131072, psize="8.0B", quant="Q4_K_M", size=5225388164),
    "mock-plain:latest": dict(family="mock", caps=["completion"], ctx=8192, psize="1.0B", quant="Q4_0", size=815319791),
    "mock-liar:latest": dict(family="mock", caps=["completion", "tools", "thinking"], ctx=8192, psize="1.0B", quant="Q4_0", size=815319791),
    "mock-eyes:latest": dict(family="mock", caps=["completion", "vision"], ctx=8192, psize="1.0B", quant="Q4_0", size=815319791),
    "mock-embed:latest": dict(family="bert", caps=["embedding"], ctx=2048, psize="137M", quant="F16", size=274302450),
}
LOG = None
OLD = False
NO_MAX = False
LOADED = {}
LOCK = threading.Lock()

def log(o):
    with LOCK: LOG.write(json.dumps(o) + "\n"); LOG.flush()

def closed(scenario):
    log({"closed": scenario})
    with LOCK: print("closed " + scenario, flush=True)

def now(): return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"
def full(n): return n if ":" in (n or "") else (n or "") + ":latest"
def digest(n): return hashlib.sha256(n.encode()).hexdigest()
def details(n):
    m = MODELS[n]
    return {"parent_model": "", "format": "gguf", "family": m["family"], "families": [m["family"]], "parameter_size": m["psize"], "quantization_level": m["quant"], "context_length": m["ctx"], "embedding_length": 4096}

class H(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def js(self, code, o):
        b = json.dumps(o).encode()
        self.send_response(code); self.send_header("Content-Type", "application/json; charset=utf-8"); self.send_header("Content-Length", str(len(b))); self.end_headers(); self.wfile.write(b)
    def text(self, code, t, ct="text/plain; charset=utf-8"):
        b = t.encode(); self.send_response(code); self.send_header("Content-Type", ct); self.send_header("Content-Length", str(len(b))); self.end_headers()
        if self.command != "HEAD": self.wfile.write(b)
    def do_HEAD(self): self.do_GET()
    def do_GET(self):
        p = self.path.split("?")[0]
        if p == "/": return self.text(200, "Ollama is running")
        if p == "/api/version": return self.js(200, {"version": VERSION})
        if p == "/api/tags":
            return self.js(200, {"models": [{"name": n, "model": n, "modified_at": "2026-01-02T03:04:05.678901234Z", "size": m["size"], "digest": digest(n), "details": details(n), **({} if OLD else {"capabilities": m["caps"]})} for n, m in MODELS.items()]})
        if p == "/api/ps":
            return self.js(200, {"models": [{"name": n, "model": n, "size": MODELS[n]["size"], "digest": digest(n), "details": details(n), "expires_at": e, "size_vram": 0, "context_length": c} for n, (e, c) in LOADED.items()]})
        self.text(404, "404 page not found")
    def do_POST(self):
        n = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(n)
        log({"path": self.path, "body": raw.decode("utf8", "replace")})
        if not raw: return self.js(400, {"error": "missing request body"})
        try: b = json.loads(raw)
        except Exception as e: return self.js(400, {"error": str(e)})
        p = self.path.split("?")[0]
        try:
            if p == "/api/show": return self.show(b)
            if p == "/api/chat": return self.chat(b)
            return self.text(404, "404 page not found")
        except (BrokenPipeError, ConnectionResetError): self.close_connection = True
    def show(self, b):
        if not (b.get("model") or b.get("name")): return self.js(400, {"error": "model is required"})
        n = full(b.get("model") or b.get("name"))
        if n not in MODELS: return self.js(404, {"error": "model '%s' not found" % (b.get("model") or b.get("name"))})
        m = MODELS[n]; f = m["family"]
        self.js(200, {"license": "MIT", "modelfile": "FROM " + n, "parameters": "stop \"<|end|>\"\nnum_ctx 8192" if "tools" in m["caps"] else "", "template": "{{ .Prompt }}", "details": details(n),
                      "model_info": {"general.architecture": f, "general.parameter_count": 8030261248, f + ".context_length": m["ctx"], f + ".embedding_length": 4096, "tokenizer.ggml.tokens": None},
                      **({} if OLD else {"capabilities": m["caps"]}), "modified_at": "2026-01-02T03:04:05.678901234Z"})
    def gone(self):
        """The client has closed its side: that is how it cancels."""
        ready, _, _ = select.select([self.connection], [], [], 0)
        if not ready: return False
        try: return self.connection.recv(1) == b""
        except (ssl.SSLWantReadError, BlockingIOError): return False
        except OSError: return True
    def chunk(self, o):
        s = (json.dumps(o) + "\n").encode(); self.wfile.write(b"%x\r\n%s\r\n" % (len(s), s)); self.wfile.flush()
    def chat(self, b):
        if not b.get("model"): return self.js(400, {"error": "model is required"})
        n = full(b["model"])
        if n not in MODELS: return self.js(404, {"error": "model '%s' not found" % b["model"]})
        m = MODELS[n]; msgs = b.get("messages") or []; ka = b.get("keep_alive")
        base = lambda msg, done=False, **k: {"model": b["model"], "created_at": now(), "message": {"role": "assistant", "content": "", **msg}, "done": done, **k}
        if not msgs:
            if ka in (0, "0", "0s"): LOADED.pop(n, None); return self.js(200, base({}, True, done_reason="unload"))
            LOADED[n] = ("2318-01-01T00:00:00Z" if ka in (-1, "-1") else now(), (b.get("options") or {}).get("num_ctx", 4096)); return self.js(200, base({}, True, done_reason="load"))
        if "completion" not in m["caps"]: return self.js(400, {"error": "\"%s\" does not support chat" % b["model"]})
        if b.get("tools") and ("tools" not in m["caps"] or n == "mock-liar:latest"): return self.js(400, {"error": "registry.ollama.ai/library/%s does not support tools" % n})
        th = b.get("think")
        if isinstance(th, str) and (th not in ("high", "medium", "low", "max") or th == "max" and NO_MAX): return self.js(400, {"error": "invalid think value: \"%s\" (must be \"high\", \"medium\", \"low\", \"max\", true, or false)" % th})
        if th is not None and ("thinking" not in m["caps"] or n == "mock-liar:latest"): return self.js(400, {"error": "\"%s\" does not support thinking" % b["model"]})
        think = ("thinking" in m["caps"]) if th is None else bool(th)      # default: ON for thinking models
        LOADED[n] = (now(), (b.get("options") or {}).get("num_ctx", 4096))
        user = next((x for x in reversed(msgs) if x.get("role") == "user"), {"content": ""})
        idx = max((i for i, x in enumerate(msgs) if x.get("role") == "user"), default=-1)
        step = sum(1 for x in msgs[idx + 1:] if x.get("role") == "tool")
        g = None
        for g in re.finditer(r"scenario:([a-z0-9\-]+)(?::(\S+))?", user.get("content") or ""): pass
        name, arg = (g.group(1), g.group(2)) if g else ("text", None)
        if name == "err-start": return self.js(500, {"error": "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details"})
        if name == "busy": return self.js(503, {"error": "server busy, please try again.  maximum pending requests exceeded"})
        if name == "unauthorized": return self.js(401, {"error": "unauthorized", "signin_url": "https://ollama.com/connect?name=host&key=abc"})
        if name == "limit": return self.js(429, {"error": "you have reached your hourly usage limit"})
        if name == "full": return self.js(400, {"error": "the input length exceeds the context length"})
        if name == "drop": self.close_connection = True; self.connection.shutdown(2); return
        if name == "redirect":
            self.send_response(307); self.send_header("Location", "https://elsewhere.example/"); self.send_header("Content-Length", "0"); self.end_headers(); return
        if name == "html": return self.text(200, "<html><body>It works!</body></html>", "text/html")
        if name == "hang":
            with LOCK: print("asked hang", flush=True)
            while not self.gone(): time.sleep(0.005)
            closed(name); self.close_connection = True; return
        out, delay, reason = [], 0, "stop"
        call = lambda i, nm, a: {"id": "call_%s%d" % (digest(nm)[:7], i), "function": {"index": i, "name": nm, "arguments": a}}
        if think: out += [{"thinking": w + " "} for w in "The user wants something so I think first .".split()]
        tn = [t["function"]["name"] for t in b.get("tools") or []]
        calls = re.findall(r"^call (\S+) (\{.*\})$", user.get("content") or "", re.M)
        results = [x.get("content", "") for x in msgs[idx + 1:] if x.get("role") == "tool"]
        if step < len(calls):
            some = calls[step:] if re.search(r"^calls$", user.get("content") or "", re.M) else calls[step:step + 1]
            out += [{"tool_calls": [call(step + i, nm, json.loads(a))]} for i, (nm, a) in enumerate(some)]
        elif calls: out += [{"content": "I was told: " + " | ".join(results)}]
        elif name == "said": out += [{"content": "Before: " + " / ".join("%s=%s%s" % (x["role"], x.get("content", ""), "+picture" if x.get("images") else "") for x in msgs[:-1] if x["role"] != "system" and not x.get("content", "").startswith("Before: "))}]
        elif name == "long": out += [{"content": "w%d " % i} for i in range(int(arg or 1000))]
        elif name == "slow": out += [{"content": "word%d " % i} for i in range(100000)]; delay = 0.01
        else: out += [{"content": w + " "} for w in "Hello from the mock Ollama .".split()]
        if name == "length": reason = "length"
        stats = dict(done_reason=reason, total_duration=1234567890, load_duration=123456789, prompt_eval_count=len(json.dumps([[x.get("content"), x.get("tool_calls")] for x in msgs] + (b.get("tools") or []))) // 4, prompt_eval_duration=130079000, eval_count=len(out), eval_duration=423271000)
        if b.get("stream") is False:
            msg = {"content": "".join(o.get("content", "") for o in out)}
            t = "".join(o.get("thinking", "") for o in out); tc = [c for o in out for c in o.get("tool_calls", [])]
            if t: msg["thinking"] = t
            if tc: msg["tool_calls"] = tc
            return self.js(200, base(msg, True, **stats))
        self.send_response(200); self.send_header("Content-Type", "application/x-ndjson"); self.send_header("Transfer-Encoding", "chunked"); self.end_headers()
        for i, o in enumerate(out):
            if delay:
                time.sleep(delay)
                if self.gone(): closed(name); self.close_connection = True; return
            if name == "nonsense" and i == len(out) // 2:
                s = b"this is no JSON\n"; self.wfile.write(b"%x\r\n%s\r\n" % (len(s), s)); break
            if name == "odd" and i == len(out) // 2:
                for message in ("words", [1], 7, None, {"content": 7, "tool_calls": "x"}, {"tool_calls": {"function": 1}}): self.chunk({**base({}), "message": message})
                self.chunk({"done": False})
            if name == "early-end" and i == len(out) // 2: break
            if name == "err-mid" and i == len(out) // 2:
                self.chunk({"error": "an error was encountered while running the model"}); break
            if name == "cut" and i == len(out) // 2:
                self.close_connection = True; self.connection.shutdown(2); return
            self.chunk(base(o))
        else:
            self.chunk(base({}, True, **stats))
        self.wfile.write(b"0\r\n\r\n"); self.wfile.flush(); log({"finished": name})

class S(ThreadingHTTPServer):
    daemon_threads = True
    # Clients that go away are what it is there for.
    def handle_error(self, request, client_address): pass

def end_with_stdin():
    while sys.stdin.buffer.read(4096): pass
    os._exit(0)

if __name__ == "__main__":
    a = argparse.ArgumentParser(); a.add_argument("port", type=int); a.add_argument("log"); a.add_argument("--empty", action="store_true"); a.add_argument("--old", action="store_true"); a.add_argument("--no-max", action="store_true"); a.add_argument("--cert"); a.add_argument("--key")
    x = a.parse_args(); LOG = open(x.log, "a"); OLD = x.old; NO_MAX = x.no_max
    if x.empty: MODELS.clear()
    s = S(("127.0.0.1", x.port), H)
    if x.cert:
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain(x.cert, x.key); s.socket = c.wrap_socket(s.socket, server_side=True)
    print(s.server_address[1], flush=True)
    threading.Thread(target=end_with_stdin, daemon=True).start()
    s.serve_forever()
