# SPDX-License-Identifier: Apache-2.0
"""An HTTP service on loopback for one kind of POST, which can misbehave."""
import http.server
import threading
import time

HANG, DROP, GARBAGE, LARGE, REDIRECT = 'hang', 'drop', 'garbage', 'large', 'redirect'
NOTHING = 'nothing'


class Service:
    """answer(path, body) gives status, media type and body. What `fault` says goes before it: one
    of the words above, a number: that HTTP status, or bytes: 409 with these. `delay`: seconds before an answer. All
    requests are kept in `requests` as (path, headers, body), all answers in `answers`. `context`: of
    TLS, whose certificate is for localhost."""

    def __init__(self, context=None):
        self.fault = None
        self.delay = 0
        self.requests = []
        self.answers = []
        self.lock = threading.Lock()
        self.closed = threading.Event()
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):  # the name is the library's
                service.serve(self)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.url = 'http://127.0.0.1:%d' % self.server.server_port
        if context:
            self.url = 'https://localhost:%d' % self.server.server_port
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, path, body):
        raise NotImplementedError

    def serve(self, handler):
        body = handler.rfile.read(int(handler.headers.get('Content-Length', 0)))
        with self.lock:
            self.requests.append((handler.path, dict(handler.headers), body))
        self.closed.wait(self.delay)
        fault = self.fault
        if fault == HANG:
            self.closed.wait(60)
        if fault in (HANG, DROP):
            handler.close_connection = True
            return
        status, kind, content = 200, 'application/octet-stream', b''
        if fault == GARBAGE:
            content = b'\x00\xff\n\x1b[31m' * 20
        elif fault == LARGE:
            content = b'a' * (64 * 1024 + 1)
        elif fault == REDIRECT:
            status = 302
        elif isinstance(fault, int):
            status, content = fault, b'a fault'
        elif isinstance(fault, bytes):
            status, kind, content = 409, 'text/x.tlog.size', fault
        elif fault != NOTHING:
            with self.lock:
                status, kind, content = self.answer(handler.path, body)
        self.answers.append(content)
        self.send(handler, status, kind, content)

    def send(self, handler, status, kind, content):
        try:
            handler.send_response(status)
            handler.send_header('Content-Type', kind)
            if status == 302:
                handler.send_header('Location', self.url + '/elsewhere')
            handler.send_header('Content-Length', str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)
        except OSError:  # the client has left
            handler.close_connection = True

    def close(self):
        self.closed.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def stamp_now(offset=0):
    """The time in ASN.1's form, `offset` seconds from now."""
    return time.strftime('%Y%m%d%H%M%SZ', time.gmtime(time.time() + offset))
