# SPDX-License-Identifier: Apache-2.0
"""Lists of runs as people and programs make them: what is taken, what is refused and how it is
said, and that a refused list leaves nothing behind. Offline: no server, no token."""
import json
import os
import pty
import random
import re
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from harness import MUNIMENT, ORG, main

OTHER = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
A = '0123456789abcdef0123456789abcdef'
B = 'fedcba9876543210fedcba9876543210'
C = '00000000000000000000000000000001'
URL = 'https://go.tallyfy.com/%s/processes/%s'
REASON = ('--reason', 'a case of the tests')
ICONV = 'hint: convert it: iconv -f %s -t UTF-8 FILE > FILE.utf8'


class Desk:
    """A folder with a journal of its own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='muniment-list-')
        self.journal = os.path.join(self.folder, 'journal')
        self.env = {'PATH': os.environ.get('PATH', ''), 'HOME': self.folder,
                    'MUNIMENT_JOURNAL': self.journal}
        for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LD_LIBRARY_PATH'):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def file(self, data, name='list'):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as out:
            out.write(data if isinstance(data, bytes) else data.encode())
        return path

    def call(self, *args, data=None, **options):
        done = subprocess.run([MUNIMENT, *args], env=self.env, input=data, timeout=240,
                              stdin=subprocess.DEVNULL if data is None else None,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              **options)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def plan(self, data, *args, org=ORG):
        """The list as a file; the exit status, what was stored, and what was said."""
        given = ('--org', org) if org else ()
        code, out, err = self.call('plan', '-o', 'json', *given, '--from', self.file(data),
                                   *REASON, *args)
        return code, json.loads(out) if code == 0 and out else None, err

    def stored(self):
        out = self.call('status', '--all', '-o', 'json')[1]
        return json.loads(out) if out else []

    def entries(self, kind):
        out = self.call('log', '-o', 'jsonl')[1]
        return [entry for entry in map(json.loads, out.splitlines()) if entry['kind'] == kind]


def has(text, *parts):
    for part in parts:
        assert part in text, '"%s" is not in: %s' % (part, text[-1500:])


# ---- lists that are taken: bytes, arguments, items, duplicates, what is said ----

TAKEN = {
    'plain ids': (A + '\n' + B + '\n', (), 2, 0, ['as ids']),
    'comments and blank lines': ('# from the export\n\n  ' + A + '\t\n' + B + ' # why\n\n', (), 2,
                                 0, ['as ids']),
    'table in a comment': (A + ' # id,name\n' + B + '\n', (), 2, 0, ['as ids']),
    'comment in a header': ('case #,id\n1,%s\n' % A, (), 1, 0, ['as csv']),
    'duplicates are no items': ('\n'.join([A, B, A, C, B.upper()]) + '\n', (), 3, 2,
                                ['2 duplicates skipped: lines 3, 5', '1 id in upper case']),
    'one duplicate': (A + '\n' + A + '\n', (), 1, 1, ['1 duplicate skipped: line 2']),
    'mark, CRLF, no last newline': ('\ufeff' + A + '\r\n' + B, (), 2, 0,
                                    ['accepted: a byte order mark, CRLF line ends, '
                                     'no newline at the end']),
    'upper case': (A.upper() + '\n', (), 1, 0, ['1 id in upper case, folded']),
    'csv': ('id,name\n%s,"a, ""b""\n c"\n%s,\n' % (A, B), (), 2, 0, ['as csv']),
    'csv of one column': ('run_id\n%s\n' % A, (), 1, 0, ['as csv']),
    'csv, two columns of ids, one named': ('id,process_id\nx,%s\n' % A,
                                           ('--id-column', 'process_id'), 1, 0, ['as csv']),
    'csv, named column': ('key,id2\n%s,1\n' % A, ('--id-column', 'key'), 1, 0, ['as csv']),
    'jsonl': ('{"id":"%s"}\n\n{"process_id":"%s","x":1.5}\n' % (A, B), (), 2, 0, ['as jsonl']),
    'json array of strings': ('["%s",\n"%s"]' % (A, B), (), 2, 0, ['as json']),
    'json array of objects': (json.dumps([{'id': A, 'tasks': [{'id': 1}], 'progress': 0.5},
                                          {'id': B}]), (), 2, 0, ['as json']),
    'one process as a bare object': (json.dumps({'id': A, 'name': 'one', 'checklist': {}}), (), 1,
                                     0, ['as json']),
    'bare object over many lines': (json.dumps({'id': A, 'name': 'one'}, indent=2), (), 1, 0,
                                    ['as json']),
    'the answer of the API': (json.dumps({'data': [{'id': A}, {'id': B}],
                                          'meta': {'pagination': {'total': 2}}}, indent=1), (), 2,
                              0, ['as json']),
    'pasted URLs': (URL % (ORG, A) + '?tab=tasks\n' + URL % (ORG, B) + '#x # y\n', (), 2, 0, []),
    'own reasons': ('id,reason,ticket\n%s,long enough,T-1\n%s,,\n' % (A, B), (), 2, 0, []),
    'format given': (A + '\n', ('--format', 'ids'), 1, 0, []),
}


def taken(name):
    data, args, items, duplicates, said = TAKEN[name]
    with Desk() as desk:
        code, plan, err = desk.plan(data, *args)
        assert code == 0, err
        assert (plan['items'], plan['duplicates']) == (items, duplicates), plan
        has(err, *said)
        found = desk.stored()
        assert [row['id'] for row in found] == [plan['plan']], found
        assert found[0]['total'] == items + duplicates, found
        assert desk.call('verify')[0] == 0
        again = desk.plan(data, *args)[1]
        assert again['plan'] == plan['plan'], 'the same list is another plan'
        assert len(desk.entries('plan.stored')) == 1


# ---- lists that are refused with 7: bytes, arguments, what is said ----

def bad_ids(*ids):
    return '\n'.join(ids) + '\n'


REFUSED = {
    'UTF-16 with a mark': (('\ufeff' + A + '\n').encode('utf-16-le'), (),
                           ['UTF-16 text at byte 0', ICONV % 'UTF-16']),
    'UTF-16 without one': ((A + '\n').encode('utf-16-le'), (),
                           ['UTF-16 text (NUL) at byte 1', ICONV % 'UTF-16LE']),
    'UTF-16BE': ((A + '\n').encode('utf-16-be'), (),
                 ['UTF-16 text (NUL) at byte 0', ICONV % 'UTF-16BE']),
    'Latin-1': (('id,name\n%s,caf\xe9\n' % A).encode('latin-1'), (),
                ['not UTF-8 at byte 44', ICONV % 'WINDOWS-1252']),
    'NUL': (A + '\n\0', (), ['NUL at byte 33', ICONV % 'UTF-16']),
    'lone CR': (A + '\r' + B + '\n', (),
                ['a carriage return without a newline at byte 32', "tr '\\r' '\\n'", 'iconv']),
    'escape character': (A + '\x1b[0m\n', (), ['a control character at byte 32', 'iconv']),
    'C1 control': (A + ' \x9b\n', (), ['a control character at byte 33', 'iconv']),
    'paths': (bad_ids('../', '..', '.', A + '/delete', '../../' + A, A + '%2f', '%2e%2e',
                      A + '?x=y', A + '#x', A + '\\', A[:-1] + '/', '\uff10' + A[1:],
                      A[:-1] + '\u0430'), (),
              ['line %d: ' % n for n in range(1, 14)] + ['13 of 13 rows are invalid']),
    'paths in JSON': (json.dumps(['../' + A, A + '/delete', A + '\u200b', '\u202e' + A]), (),
                      ['\\u{200b}', '\\u{202e}', '4 of 4 rows are invalid']),
    'dashes': ('01234567-89ab-cdef-0123-456789abcdef\n', (),
               ['line 1: ', 'ids have no dashes: remove them']),
    'numbers of a spreadsheet': ('id\n1.2E+31\n%s\n' % A[:30], (),
                                 ['line 2: ', 'a spreadsheet turned the id into a number',
                                  'line 3: ', 'leading zeros may have been lost']),
    'names': ('Onboarding of Ann\n', (), ['line 1: "Onboarding of Ann" is no run id',
                                         'this may be a name']),
    'JSON numbers': ('[%s]' % ('1' * 32), (), ['line 1: a number is no id', 'in quotes']),
    'open quote': ('id,name\n%s,x\n%s,"open\n%s,y\n' % (A, B, C), (),
                   ['line 3: a quote is opened and never closed']),
    'ragged rows, all in one report': (
        'id,name\n%s\n%s,a,b\n%s,x\n%s,"a"b\nno,x\n' % (A, A, B, C), (),
        ['line 2: 1 field, the header has 2', 'line 3: 3 fields, the header has 2',
         'line 5: text behind a closing quote', 'line 6: "no" is no run id',
         '4 of 5 rows are invalid, nothing was stored']),
    'semicolons': ('id;name\n%s;x\n' % A, (), ['no column id', 'commas']),
    'tabs': ('id\tname\n%s\tx\n' % A, (), ['no column id', 'commas']),
    'two columns of ids': ('id,run_id\n%s,%s\n' % (A, A), (),
                           ['two columns of ids: 1 and 2', '--id-column']),
    'no column of ids': ('name,owner\nx,y\n', (),
                         ['no column id, run_id or process_id', '--id-column']),
    'no such column': ('id,name\n%s,x\n' % A, ('--id-column', 'key'), ['no column key']),
    'two keys of ids': (json.dumps([{'id': A, 'run_id': A}]), (), ['line 1: more than one key']),
    'other organization': ('%s\n%s\n%s\n' % (URL % (ORG, A), URL % (OTHER, B), URL % (OTHER, C)),
                           (), ['line 2: the URL is of organization %s, not of %s' % (OTHER, ORG),
                                'line 3: ', '2 of 3 rows']),
    'URL of something else': ('https://go.tallyfy.com/%s/tasks/%s\n' % (ORG, A), (),
                              ['line 1: ', 'expected https://go.tallyfy.com/ORG/processes/RUN']),
    'own reasons that are too short or long': (
        'id,reason\n%s,short\n%s,%s\n%s,long enough\n' % (A, B, 'x' * 501, C), (),
        ['line 2: the reason has 5 characters, it must have 8 to 500',
         'line 3: the reason has 501 characters', '2 of 3 rows']),
    'own ticket too long': (json.dumps([{'id': A, 'ticket': 'x' * 129}]), (),
                            ['line 1: the ticket has 129 bytes, it must have 1 to 128']),
    'reason that is no text': (json.dumps([{'id': A, 'reason': 12345678}]), (),
                               ['line 1: the reason is no string']),
    'empty file': ('', (), ['the list is empty', 'an export may have failed', '--allow-empty']),
    'comments alone': ('# nothing\n', (), ['the list is empty', '--allow-empty']),
    'header alone': ('id,name\n', (), ['the list is empty', '--allow-empty']),
    'empty array': ('[]', (), ['the list is empty', '--allow-empty']),
    'empty answer of the API': ('{"data":[]}', (), ['the list is empty', '--allow-empty']),
    'trailing comma in JSON': ('["%s",\n]' % A, (), ['line 2: invalid JSON at byte 37']),
    'JSON and more': ('["%s"]\n["%s"]' % (A, B), (), ['something stands after the value']),
    'key twice': ('[{"id":"%s","id":"%s"}]' % (A, B), (), ['key "id" appears twice']),
    'deep JSON': ('[{"id":"%s","x":%s}]' % (A, '[' * 70 + ']' * 70), (), ['nested too deeply']),
    'row of two megabytes': ('[{"id":"%s","x":"%s"}]' % (A, 'x' * 2000000), (),
                             ['line 1: 2000048 bytes, the limit of a row is 1048576']),
    'line of two megabytes': ('{"id":"%s"}\n{"id":"%s","x":"%s"}\n' % (A, A, 'x' * 2000000), (),
                              ['line 2: 2000048 bytes, the limit of a row is 1048576']),
    'record of two megabytes': ('id,x\n%s,%s\n' % (A, 'x' * 2000000), (),
                                ['line 2: longer than the limit of 1048576 bytes']),
    'too many keys': (json.dumps([dict({'id': A}, **{'k%d' % n: n for n in range(300)})]), (),
                      ['line 1: more than 256 keys']),
    'csv that is called json': ('id\n%s\n' % A, ('--format', 'json'), ['invalid JSON at byte 0']),
    'only the first rows are shown': (bad_ids(*['bad%d' % n for n in range(1, 10124)]), (),
                                      ['line 10000: ', 'and 123 more', '10123 of 10123 rows']),
}


def refused(name):
    data, args, said = REFUSED[name]
    with Desk() as desk:
        code, plan, err = desk.plan(data, *args)
        assert code == 7 and plan is None, (code, err)
        has(err, 'list', *said)
        assert 'line 10001: ' not in err
        assert desk.stored() == [] and desk.entries('plan.stored') == []
        code, out, _ = desk.call('history', '-o', 'json')
        assert code == 0 and json.loads(out) == [], out


def empty_on_request():
    with Desk() as desk:
        for data in ('', '# nothing\n', 'id\n', '[]'):
            code, plan, err = desk.plan(data, '--allow-empty')
            assert code == 0 and plan['plan'] is None and plan['items'] == 0, (plan, err)
            has(err, 'the list is empty, there is nothing to do')
        assert desk.stored() == []


# ---- where lists come from ----

def arguments():
    with Desk() as desk:
        code, _, err = desk.call('plan', '--org', ORG, *REASON, A, '#' + B, '', B + ' # x', A)
        assert code == 7, err
        has(err, 'argument 2: ', 'argument 3: run id is empty', 'argument 4: ',
            '3 of 5 rows are invalid')
        code, _, err = desk.call('plan', '--org', ORG, *REASON, A, URL % (ORG, B), A)
        assert code == 0, err
        has(err, '1 duplicate skipped: argument 3')
        for args in ((), (A, '--from', '-')):
            code, _, err = desk.call('plan', '--org', ORG, *REASON, *args)
            assert code == 2, err
        code, _, err = desk.call('plan', *REASON, A)
        assert code == 2, err
        has(err, '--org')


def organization_of_urls():
    with Desk() as desk:
        code, plan, err = desk.plan('%s\n%s\n' % (A, URL % (OTHER, B)), org=None)
        assert code == 0 and plan['org'] == OTHER, err
        code, _, err = desk.plan('%s\n%s\n' % (URL % (OTHER, A), URL % (ORG, B)), org=None)
        assert code == 7, err
        has(err, 'line 2: the URL is of organization %s, not of %s' % (ORG, OTHER))


def odd_files():
    with Desk() as desk:
        huge = desk.file('', 'huge')
        os.truncate(huge, (512 << 20) + 1)
        for path, said in (('/dev/zero', '/dev/zero: NUL at byte 0'),
                           (desk.folder, desk.folder + ' is a directory'),
                           (desk.folder + '/none', '/none: No such file or directory'),
                           (huge, 'larger than the limit of 536870912 bytes')):
            code, _, err = desk.call('plan', '--org', ORG, *REASON, '--from', path)
            assert code == 7, err
            has(err, '--from', said)
        assert desk.stored() == []


def pipes():
    with Desk() as desk:
        path = os.path.join(desk.folder, 'fifo')
        os.mkfifo(path)
        opened = []

        def feed():
            for part in (A, '\n' + B[:7], B[7:] + '\n'):  # the end of a read is not that of a row
                if not opened:
                    opened.append(open(path, 'w', encoding='ascii'))
                opened[0].write(part)
                opened[0].flush()
                time.sleep(0.05)
            opened[0].close()

        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        code, out, err = desk.call('plan', '-o', 'json', '--org', ORG, *REASON, '--from', path)
        feeder.join(10)
        assert code == 0 and json.loads(out)['items'] == 2, err
        code, out, err = desk.call('plan', '-o', 'json', '--org', ORG, *REASON, '--from', '-',
                                   data=('["%s"]' % C).encode())
        assert code == 0 and json.loads(out)['items'] == 1, err
        has(err, 'reading standard input as json')


def on_terminal(desk, typed, args, until):
    """Starts the program with a terminal of its own, types when it has said `until`."""
    pid, master = pty.fork()
    if pid == 0:
        try:
            os.execve(MUNIMENT, [MUNIMENT, *args], desk.env)
        finally:
            os._exit(127)
    said = b''
    deadline = time.monotonic() + 30
    pending = typed
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 0.2)[0]:
            continue
        try:
            got = os.read(master, 4096)
        except OSError:
            break
        if not got:
            break
        said += got
        if pending and until.encode() in said:
            os.write(master, pending)
            pending = b''
    os.close(master)
    return os.waitpid(pid, 0)[1], said.decode()


def terminal():
    with Desk() as desk:
        args = ('plan', '--org', ORG, *REASON, '--from', '-')
        status, said = on_terminal(desk, (A + '\n').encode() + b'\x04', args, 'Ctrl-D')
        assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, said
        has(said, 'reading ids, end with Ctrl-D', 'items      1')
        status, said = on_terminal(desk, (B + '\n').encode() + b'\x03', args, 'Ctrl-D')
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == 2, (status, said)
        assert len(desk.stored()) == 1


def consent_needs_a_terminal():
    """The list takes standard input and there is no terminal to ask on: the plan stays stored."""
    with Desk() as desk:
        desk.env['TALLYFY_API_TOKEN'] = 'not-used'
        args = ('archive', '--org', ORG, '--base-url', 'http://127.0.0.1:1', *REASON, '--from', '-')
        code, _, err = desk.call(*args, data=(A + '\n').encode(), start_new_session=True)
        assert code == 2, err
        found = desk.stored()
        assert len(found) == 1 and found[0]['state'] == 'stored', found
        has(err, found[0]['id'])
        many = '\n'.join('%032x' % n for n in range(26)) + '\n'
        code, _, err = desk.call(*args, '--yes', data=many.encode(), start_new_session=True)
        assert code == 2, err
        has(err, '25')
        # another list is another plan: what was confirmed does not fit it
        code, _, err = desk.call(*args, '--confirm', found[0]['id'], data=(B + '\n').encode(),
                                 start_new_session=True)
        assert code == 2, err
        assert desk.entries('batch.started') == [] and desk.entries('request') == []


def discarded_plan():
    with Desk() as desk:
        first = desk.plan(A + '\n')[1]['plan']
        assert desk.call('cancel', first, *REASON)[0] == 0
        desk.env['TALLYFY_API_TOKEN'] = 'not-used'
        code, _, err = desk.call('run', first)
        assert code == 2, err
        second = desk.plan(A + '\n')[1]['plan']
        assert second != first
        assert desk.plan(A + '\n')[1]['plan'] == second
        for data in (B + '\n', A + '\n' + A + '\n', 'id,ticket\n%s,T-1\n' % A):
            assert desk.plan(data)[1]['plan'] not in (first, second)


# ---- half of a file ----

WHOLE = {
    'ids': '%s # one\n%s\n%s\n' % (A, B, C),
    'csv': 'name,reason,id\n"a, ""b""",long enough,%s\nx,,%s\n' % (A, B),
    'jsonl': '{"id":"%s","x":[1]}\n{"id":"%s"}\n' % (A, B),
    'json': '[{"id":"%s","x":[1]},\n"%s"]\n' % (A, B),
    'data': '{"meta":{"total":2},"data":[{"id":"%s"},\n{"id":"%s"}],"x":1}\n' % (A, B),
}


def cut(name):
    """Cut anywhere, a list is refused or holds the first rows of the whole one."""
    whole = WHOLE[name]
    runs = re.findall('[0-9a-f]{32}', whole)
    with Desk() as desk:
        for length in range(len(whole)):
            code, plan, err = desk.plan(whole[:length])
            assert code in (0, 7), (length, code, err)
            if code == 7:
                continue
            ends = [whole.index(run) + 32 for run in runs]
            whole_rows = [end for end in ends if end <= length]
            assert plan['items'] == len(whole_rows), (length, plan)
            if name in ('json', 'data'):
                assert length >= len(whole) - 1, (length, err)
        assert desk.plan(whole)[1]['items'] == len(runs)
        assert desk.call('verify')[0] == 0


# ---- what nobody thought of ----

def mutate(data, rng):
    data = bytearray(data.encode())
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(4)
        if what == 0 and at < len(data):
            data[at] = rng.choice(b'"{}[]:,;\n\r\t #\\/.%?&-+09afAFgz\xc3\xff\0')
        elif what == 1:
            data[at:at + rng.randrange(6)] = b''
        elif what == 2:
            data[at:at] = rng.choice((b'../', b'/delete', b'%2f', b'"', b'\n', b'\xef\xbc\x90'))
        else:
            data[at:at] = data[at:at + 40]
    return bytes(data)


def mutations():
    rng = random.Random(7)
    statuses = {0: 0, 7: 0}
    with Desk() as desk:
        for turn in range(400):
            data = mutate(rng.choice(list(WHOLE.values())), rng)
            code, plan, err = desk.plan(data)
            assert code in statuses, (turn, data, code, err)
            statuses[code] += 1
        assert min(statuses.values()) > 5, statuses
        assert desk.call('verify')[0] == 0
        assert desk.stored()


# ---- long lists ----

def long_lists():
    """More than one chunk of rows and of their index, into an empty journal and beside others."""
    with Desk() as desk:
        rng = random.Random(5)
        ids = ['%032x' % rng.getrandbits(128) for _ in range(40000)]
        code, plan, err = desk.plan('id,name\n' + ''.join('%s,run %d\n' % (run, n)
                                                          for n, run in enumerate(ids)))
        assert code == 0 and plan['items'] == 40000, err
        # a few beside many: each may lie in a page of its own
        few = ids[100:2600] + ['%032x' % rng.getrandbits(128) for _ in range(2000)]
        code, plan, err = desk.plan('\n'.join(few) + '\n')
        assert code == 0 and plan['items'] == 4500, err
        code, plan, err = desk.plan('["%s"]' % '","'.join(reversed(ids)), org=OTHER)
        assert code == 0 and plan['items'] == 40000, err
        code, out, err = desk.call('verify')
        assert code == 0, out + err
        assert len(desk.stored()) == 3


# ---- a million ----

# What the process may take at its peak, the pages of the mapped journal included.
MOST_MIB = 112


def planned(desk, path, items):
    began = time.monotonic()
    code, out, err = desk.call('plan', '-o', 'json', '--org', ORG, *REASON, '--from', path)
    took = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert code == 0 and json.loads(out)['items'] == items, err
    print('%d runs: %.1f s, %d MiB' % (items, took, peak // 1024), flush=True)
    assert peak < MOST_MIB * 1024 or 'ASAN_OPTIONS' in os.environ, peak
    return err


def million():
    with Desk() as desk:
        rng = random.Random(3)
        path = os.path.join(desk.folder, 'million')
        with open(path, 'w', encoding='ascii') as out:
            out.writelines('%032x\n' % rng.getrandbits(128) for _ in range(1000000))
        err = planned(desk, path, 1000000)
        has(err, 'takes 46d', 'at 10/5s,90/m,900/h; 1d 3h at 600/m if your organization allows it')


def large_array():
    """A document of 26 MB: it is never taken apart as a whole."""
    with Desk() as desk:
        path = os.path.join(desk.folder, 'array')
        with open(path, 'w', encoding='ascii') as out:
            out.write('{"meta":{},"data":[\n')
            out.write(',\n'.join('{"id":"%032x","name":"run %d","a":[1,{"b":0.5}],"c":null,"d":1}'
                                 % (n * 7919, n) for n in range(300000)))
            out.write(']}\n')
        planned(desk, path, 300000)


def cases():
    yield 'a million runs', million
    yield 'a large array', large_array
    for name in TAKEN:
        yield 'taken: ' + name, lambda name=name: taken(name)
    for name in REFUSED:
        yield 'refused: ' + name, lambda name=name: refused(name)
    for name in WHOLE:
        yield 'cut: ' + name, lambda name=name: cut(name)
    for one in (empty_on_request, arguments, organization_of_urls, odd_files, pipes, terminal,
                consent_needs_a_terminal, discarded_plan, mutations, long_lists):
        yield one.__name__.replace('_', ' '), one


if __name__ == '__main__':
    sys.exit(main(list(cases())))
