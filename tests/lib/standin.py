#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""standin.py SOCKET LOG: a policy server that writes down what it is asked.

Each request becomes a line of JSON, with the number of its connection. It
answers DUNNO, and proves what the tests believe of Postfix without policyd.
"""
import json
import os
import socketserver
import sys


class Asked(socketserver.StreamRequestHandler):
    count = 0

    def handle(self):
        Asked.count += 1
        connection, request = Asked.count, {}
        for line in self.rfile:
            name, equals, value = line.decode("utf-8", "replace").rstrip("\n").partition("=")
            if equals:
                request[name] = value
                continue
            with open(sys.argv[2], "a", encoding="utf-8") as log:
                log.write(json.dumps({"connection": connection, **request}) + "\n")
            request = {}
            self.wfile.write(b"action=DUNNO\n\n")


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 200


if __name__ == "__main__":
    with Server(sys.argv[1], Asked) as server:
        os.chmod(sys.argv[1], 0o666)
        server.serve_forever()
