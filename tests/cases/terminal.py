# SPDX-License-Identifier: Apache-2.0
"""A pseudo terminal with a program in it, and what a person would see on its screen."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unicodedata

CONTROL = re.compile(r'\x1b\[([0-9;?]*)([A-Za-z])')


class Screen:
    """The few controls that muniment may use; anything else is a mistake."""

    def __init__(self, columns):
        self.columns = columns
        self.lines = ['']
        self.row = self.column = 0
        self.wrapped = False

    def put(self, char):
        width = 0 if unicodedata.combining(char) else \
            2 if unicodedata.east_asian_width(char) in 'WF' else 1
        if self.column + width > self.columns:
            self.wrapped = True
            self.newline()
            self.column = 0
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + char + line[self.column + 1:]
        self.column += width

    def newline(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append('')

    def control(self, kind):
        if kind == 'A':
            self.row = max(self.row - 1, 0)
        elif kind in 'KJ':
            self.lines[self.row] = self.lines[self.row][:self.column]
            if kind == 'J':
                del self.lines[self.row + 1:]
        else:
            raise AssertionError('unknown control %r' % kind)

    def show(self, text):
        at = 0
        while at < len(text):
            control = CONTROL.match(text, at)
            if control:
                self.control(control.group(2))
                at = control.end()
                continue
            char = text[at]
            at += 1
            if char == '\r':
                self.column = 0
            elif char == '\n':
                self.newline()
            else:
                assert char.isprintable() or unicodedata.combining(char), repr(text[at - 20:at])
                self.put(char)
        return self


class Terminal:
    """argv runs as the leader of a session on a terminal of its own."""

    def __init__(self, argv, env, columns=80, before=None, **options):
        self.columns = columns
        self.master, self.slave = pty.openpty()
        self.resize(columns)
        self.output = b''
        slave = self.slave
        for name in ('stdin', 'stdout', 'stderr'):
            options.setdefault(name, slave)

        def attach():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            if before:
                before()

        self.process = subprocess.Popen(argv, env=dict({'TERM': 'xterm'}, **env),
                                        preexec_fn=attach, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def resize(self, columns):
        self.columns = columns
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))

    def send(self, text):
        os.write(self.master, text.encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def read(self, seconds=0.0):
        """All that is there; waits that long for more."""
        end = time.monotonic() + seconds
        while True:
            left = max(end - time.monotonic(), 0)
            if not select.select([self.master], [], [], left)[0]:
                return
            self.output += os.read(self.master, 65536)

    def text(self):
        return self.output.decode('utf-8', 'strict')

    def wait_for(self, pattern, seconds=20):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text()):
            assert time.monotonic() < end, 'no %r in %r' % (pattern, self.text()[-600:])
            self.read(0.05)

    def finish(self, seconds=60):
        """Read until the program has ended; its status, negative for a signal."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, 'no end: %r' % self.text()[-600:]
            self.read(0.05)
        self.read()
        return self.process.returncode

    def screen(self):
        return Screen(self.columns).show(self.text())
