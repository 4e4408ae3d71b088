# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: a sandbox server, a journal of its own, the comparison."""
import bisect
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

MUNIMENT = os.environ.get('MUNIMENT', '')
SANDBOX = os.environ.get('MUN_SANDBOX', '')
ORG = '5f0c2d9e7b1a4c36a8e4d1f09b72c35e'
TOKEN = 'sandbox-token'
SKIPPED = 77
# Certainly not executed: a new attempt may follow without a probe.
NOT_EXECUTED = ('rate_limited', 'blocked', 'not_sent')


class Sandbox:
    """One sandbox process with its ids and its request log."""
    program = SANDBOX

    def __init__(self, folder, *args):
        self.ids_file = os.path.join(folder, 'ids')
        self.log_file = os.path.join(folder, 'requests')
        self.process = subprocess.Popen(
            [self.program, '--port', '0', '--die-with-stdin', '--ids-file', self.ids_file,
             '--request-log', self.log_file, *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith('http'), 'the sandbox does not start'
        with open(self.ids_file, encoding='utf-8') as file:
            self.ids = file.read().split()

    def requests(self):
        with open(self.log_file, encoding='utf-8') as file:
            return [json.loads(line) for line in file]

    def mutations(self):
        if not os.path.exists(self.log_file):
            return []
        return [request for request in self.requests() if request['mutate']]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class World:
    """A folder with a journal of its own and one sandbox."""

    def __init__(self, *sandbox_args, token=TOKEN):
        self.folder = tempfile.mkdtemp(prefix='muniment-case-')
        self.journal = os.path.join(self.folder, 'journal')
        self.env = {'PATH': os.environ.get('PATH', ''), 'HOME': self.folder,
                    'XDG_DATA_HOME': os.path.join(self.folder, 'data'),
                    'XDG_STATE_HOME': os.path.join(self.folder, 'state'),
                    'MUNIMENT_JOURNAL': self.journal, 'TALLYFY_API_TOKEN': token}
        for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LD_LIBRARY_PATH'):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.sandbox = Sandbox(self.folder, *sandbox_args)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sandbox.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *args, **options):
        options.setdefault('stdout', subprocess.PIPE)
        options.setdefault('stderr', subprocess.PIPE)
        return subprocess.Popen([MUNIMENT, *args], env=self.env, stdin=subprocess.DEVNULL,
                                text=True, **options)

    def call(self, *args, timeout=120, **options):
        process = self.start(*args, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise AssertionError('no end within %d s: %s' % (timeout, ' '.join(args))) from None
        return process.returncode, out or '', err or ''

    def expect(self, status, *args, **options):
        got, out, err = self.call(*args, **options)
        assert got == status, '%s: exit %d, not %d: %s' % (' '.join(args), got, status, err[-600:])
        return out

    def plan(self, op='archive', org=ORG, url=None, reason='a case of the tests'):
        verb = ['plan'] if op == 'archive' else ['restore', '--dry-run']
        return self.expect(0, *verb, '-q', '--org', org, '--base-url', url or self.sandbox.url,
                           '--from', self.sandbox.ids_file, '--reason', reason).strip()

    def status(self, name):
        return json.loads(self.expect(0, 'status', name, '-o', 'json'))

    def lines(self, *args):
        return [json.loads(line) for line in self.expect(0, *args, '-o', 'jsonl').splitlines()]

    def compare(self):
        """Each mutating request received has its own earlier entry, and probes lie between."""
        if not os.path.exists(self.sandbox.log_file):
            return
        entries = collections.defaultdict(list)
        verdicts = {}
        for entry in self.lines('log'):
            if entry['kind'] == 'request':
                key = (entry['method'], entry['path'])
                entries[key].append((entry['time'], entry['seq']))
            elif entry['kind'] == 'response':
                verdicts[entry['request']] = entry['verdict']
        used = set()
        before = {}
        for request in self.sandbox.requests():
            path = request['path']
            if not request['mutate']:
                if path.endswith('/runs'):
                    before.clear()
                before.pop(path, None)
                continue
            assert not path.endswith('/delete'), 'a permanent delete was sent'
            mine = entries.get((request['method'], path), [])
            at = bisect.bisect_right(mine, (request['time'], 1 << 62)) - 1
            assert at >= 0, 'received without an earlier entry: %s' % request
            seq = mine[at][1]
            assert seq not in used, 'entry %d was sent twice: %s' % (seq, request)
            used.add(seq)
            run = path[:-len('/activate')] if path.endswith('/activate') else path
            last = before.get(run)
            assert last is None or verdicts.get(last) in NOT_EXECUTED, \
                'sent again without a probe: entries %s and %d' % (last, seq)
            before[run] = seq


def conserved(counts):
    return counts['total'] == sum(value for name, value in counts.items() if name != 'total')


def run_cases(cases, workers=4):
    """Runs (name, function) pairs; prints one line for each; the exit status of the program."""
    lock = threading.Lock()
    failed = []

    def one(case):
        name, function = case
        began = time.monotonic()
        try:
            function()
            said = 'ok %s' % name
        except Exception as error:  # a case that breaks must not hide the others
            failed.append(name)
            said = 'not ok %s: %s: %s' % (name, type(error).__name__, error)
        with lock:
            print('%s (%.1f s)' % (said, time.monotonic() - began), flush=True)

    if not MUNIMENT or not SANDBOX:
        print('skipped: MUNIMENT and MUN_SANDBOX name the two programs')
        return SKIPPED
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, cases))
    print('%d cases, %d failed' % (len(cases), len(failed)))
    return 1 if failed else 0


def main(cases, workers=4):
    sys.exit(run_cases(cases, workers))
