"""The HTTP side: reads and logs requests, streams answers, and plays those scenarios that are failures of the server's."""
import gzip
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import chat, gemini, responses, script

LOCK = threading.Lock()
STATUS = {400: "Bad request from the mock.", 401: "Incorrect API key provided.", 429: "Rate limit reached.", 500: "The mock had an error."}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    file = None
    tries = {}

    def log_message(self, *_):
        pass

    def log(self, **record):
        with LOCK:
            self.file.write(json.dumps(record) + "\n")
            self.file.flush()

    # --- what is no question to a model

    def do_CONNECT(self):
        """It is also a refusing proxy."""
        self.log(method="CONNECT", path=self.path)
        self.close_connection = True
        self.answer(403, {})

    def do_HEAD(self):
        self.answer(200, {})

    def do_GET(self):
        self.log(method="GET", path=self.path)
        if self.path.split("?")[0].endswith("/models"):
            return self.answer(200, {"object": "list", "data": [{"id": "mock-model", "object": "model", "created": 1, "owned_by": "mock"}]})
        self.answer(404, {"error": {"message": "mock: no " + self.path}})

    # --- questions

    def do_POST(self):
        raw = self.read_body()
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            self.log(method="POST", path=self.path, bad=raw[:200].decode("latin1"))
            return self.answer(400, {"error": {"message": "mock: no JSON"}})
        path = self.path.split("?")[0]
        try:
            if path.endswith("/responses"):
                self.play(responses.Api(body))
            elif path.endswith("/chat/completions"):
                self.play(chat.Api(body))
            elif ":streamGenerateContent" in path or ":generateContent" in path:
                self.play(gemini.Api(body, ":streamGenerateContent" in path))
            elif ":countTokens" in path:
                self.answer(200, {"totalTokens": 10})
            else:
                self.log(method="POST", path=self.path, body=body)
                self.answer(404, {"error": {"message": "mock: no " + path}})
        except (BrokenPipeError, ConnectionResetError):
            self.log(event="client_closed", path=self.path)
            self.close_connection = True

    def read_body(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            raw = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                raw += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw

    def play(self, api):
        """Requests beside the conversation (titles, choices of a model) have no tools and get a plain answer of their own."""
        scenario = script.find(api.messages) if api.tools else script.NONE
        step = api.step(scenario.index)
        self.log(method="POST", path=self.path, scenario=scenario.word, argument=scenario.argument, step=step, aside=not api.tools, body=api.body)
        if not api.tools:
            return self.stream(api.aside()) if api.streams else self.answer(200, api.aside())
        word, argument = scenario.word or "", scenario.argument
        key = (self.path, word, argument, scenario.index)
        with LOCK:
            self.tries[key] = self.tries.get(key, 0) + 1
            tried = self.tries[key]
        failure = re.fullmatch(r"error(\d+)", word)
        if failure:
            if not argument.isdigit() or tried <= int(argument):
                code = int(failure[1])
                return self.answer(code, api.failure(code, STATUS.get(code, "mock %d" % code)), {"retry-after": "1"} if code == 429 else {})
            return self.stream(api.parts([script.text("Recovered after %s failures." % argument)], step))
        if word == "hang":
            # Until the client has had enough.
            while self.rfile.read(1):
                pass
            self.close_connection = True
            return
        if word == "drop":
            cut = script.text("This stream breaks in the middle of the text.")
            return self.stream(api.parts([cut], step), cut_after=api.cut if tried == 1 else None)
        self.stream(api.parts(script.play(scenario, step, api.last_result()), step))

    # --- answers

    def answer(self, code, value, headers=None):
        data = b"" if self.command == "HEAD" else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def stream(self, events, cut_after=None):
        """`events` are strings, sent as they are, and numbers, seconds to wait. After `cut_after` of them the connection breaks."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, event in enumerate(events):
            if number == cut_after:
                self.close_connection = True
                self.connection.shutdown(2)
                return
            if isinstance(event, str):
                data = event.encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()
            else:
                time.sleep(event)
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(port, log):
    with open(log, "a") as Handler.file:
        server = Server(("127.0.0.1", port), Handler)
        print("mock on http://127.0.0.1:%d" % server.server_address[1], flush=True)
        server.serve_forever()
