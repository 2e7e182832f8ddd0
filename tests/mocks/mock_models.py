#!/usr/bin/env python3
"""Scripted stand-in for three model APIs (loopback only, stdlib only): OpenAI's Responses and chat completions, and Gemini's.

    python3 mock_models.py --port 0 --log requests.ndjson

It says where it listens ("mock on http://127.0.0.1:PORT") and logs every request, one JSON a line. The scenarios, and how a
prompt names one, are in models/script.py; they are named as in mock_anthropic.py.
"""
import argparse
import sys

sys.dont_write_bytecode = True
from models import server  # noqa: E402

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=18081)
    parser.add_argument("--log", default="requests.ndjson")
    given = parser.parse_args()
    server.serve(given.port, given.log)
