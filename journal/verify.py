#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks an evidence bundle of muniment with Python's standard library and the openssl command alone. Exit status: 0 verified,
3 verified with findings, 1 failed, at the first cause. One pass over the entries; memory grows by one byte per planned item."""
import argparse, calendar, collections, hashlib, heapq, json, pathlib, re, subprocess, sys, tempfile, time
from base64 import b64decode, b64encode
NEEDED = ('README.txt checkpoint checkpoint.signed entries.jsonl history.csv history.jsonl items.csv public-key.txt '
          'summary.json verify.py').split()
NOTE = re.compile('(([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*)\n((?:\u2014 [^ \n]+ [A-Za-z0-9+/]+={0,2}\n)+)')
PART = re.compile(rb'(0|[1-9][0-9]{0,15}) (0|[1-9][0-9]?) ([A-Za-z0-9+/]{43}=)')
PUBLIC = '%s\nsha256 %s\n-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n'
ASKED, REACHED, LEFT_OUT = 1, 2, 3  # what an item's byte says; 0: nothing so far
count, sums, plans, batches, waiting, doubts, keys = collections.Counter(), {}, {}, {}, {}, {}, []
decoder = json.JSONDecoder(parse_float=str, parse_constant=str, parse_int=lambda t: int(t) if abs(float(t)) < 2 ** 53 else t)
encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(',', ':'))

def sha(data): return hashlib.sha256(data).digest()
def say(label, text, *args):
    count[label] += 1
    print(label + ': ' + ''.join(c if ' ' <= c <= '~' else '?' for c in text % args))
def want(fine, text, *args):
    if not fine: raise ValueError(text % args)
def openssl(command, *paths, **files):  # what it prints, '' when it refuses
    with tempfile.TemporaryDirectory() as at:
        for name, data in files.items(): pathlib.Path(at, name).write_bytes(data)
        done = subprocess.run(['openssl', *command.split(), *paths], cwd=at, capture_output=True)
        return done.stdout.decode('utf-8', 'replace') if done.returncode == 0 else ''
def lines(path, most=65535):  # none when there is no such file
    if not path.exists(): return
    with open(path, 'rb') as file:
        for line in iter(lambda: file.readline(most + 1), b''):
            want(line[-1:] == b'\n', '%s: a line is cut off or too long: %.60r', path.name, line)
            yield line[:-1]
def decode(line):  # what is no integer, stands twice or in another form is not written as it was read
    try: value = decoder.decode(line.decode())
    except (ValueError, RecursionError): value = None
    want(value and encoder.encode(value).encode() == line, 'not in RFC 8785 form: %.60r', line)
    return value
def bodies_of(path):  # seq, commitment and length of each; one in memory at a time
    for row in map(decode, lines(path, 1 << 30)):
        data = b64decode(row['salt'], validate=True) + b64decode(row['bytes'], validate=True)
        fine = len(row) == 4 and len(row['salt']) == 44 and sha(data).hex() == row['commit']
        want(fine, '%s: #%s is not what the line commits to', path.name, row['seq'])
        yield row['seq'], row['commit'], len(data) - 32
def withheld():  # start, height and hash of each subtree
    for part in map(PART.fullmatch, lines(a.dir / 'withheld')):
        want(part, 'withheld: a line is not in its form')
        yield int(part[1]), int(part[2]), b64decode(part[3])
def key_of(text):  # name, hash, type, DER of a verifier key (c2sp.org/signed-note)
    part = re.fullmatch('([^ \n+]+)[+]([0-9a-f]{8})[+]([A-Za-z0-9+/]{44})', text)
    raw = b64decode(part[3]) if part else b'-'
    want(raw[0] in (1, 4) and sha(part[1].encode() + b'\n' + raw)[:4].hex() == part[2], 'no verifier key: %.80r', text)
    return part[1], part[2], raw[0], bytes.fromhex('302a300506032b6570032100') + raw[1:]
class Note:  # a signed checkpoint; signed: what time stamps (name and reply) cover, None for one that is not of the bundle
    def __init__(self, name, raw, signed=None, stamps=()):
        part = NOTE.fullmatch(raw.decode())
        want(part and raw.startswith(signed or b''), '%s: no checkpoint', name)
        want(signed is None or NOTE.fullmatch(signed.decode()), '%s.signed: no checkpoint', name)
        want(signed is None or name in ('checkpoint', 'checkpoints/' + part[3]), '%s: not the one of that size', name)
        self.name, self.text, self.origin, self.size, self.root = name, part[1], part[2], int(part[3]), b64decode(part[4])
        self.lines, self.signed, self.stamps = part[5].splitlines(), signed, stamps
    def line_of(self, vkey):  # None: it has no line of this key; else when a cosigner signed, or 0
        when, (name, key_hash, kind, der) = None, key_of(vkey)
        for data in (b64decode(line.split()[2]) for line in self.lines if line.split()[1] == name):
            if data[:4].hex() != key_hash: continue
            when, at = (int.from_bytes(data[4:12], 'big'), 12) if kind == 4 else (0, 4)
            text = ('cosignature/v1\ntime %d\n' % when if kind == 4 else '') + self.text
            done = openssl('pkeyutl -verify -pubin -keyform DER -inkey k -rawin -in t -sigfile s', k=der, t=text.encode(), s=data[at:])
            want(done, '%s: the line of %s is no signature of it', self.name, name)
        return when
    def stamped(self, name, reply):  # when an RFC 3161 reply was made
        der = re.match(r' *0:d=0 +hl=([0-9]+) +l= *([0-9]+) ', openssl('asn1parse -inform DER -in r', r=reply))
        made = re.search(r'Time stamp: (\w+ +\d+ [\d:]+)(?:\.\d+)?( \d+) GMT', openssl('ts -reply -in r -text', r=reply))
        want(der and made and int(der[1]) + int(der[2]) == len(reply), '%s: not one time stamp and nothing else', name)
        when = calendar.timegm(time.strptime(made[1] + made[2], '%b %d %H:%M:%S %Y'))
        done = openssl('ts -verify -data n -in r -CAfile ca -attime %d' % when, n=self.signed, r=reply, ca=a.ca)
        want(done, '%s: no time stamp by --tsa-ca over its checkpoint', name)
        return when
    def seen(self, newest):  # the entries give its root: who signed it, and when
        want(keys and self.line_of(keys[-1]) is not None, '%s: not signed by the key in force', self.name)
        if len(keys) > 1 and self.line_of(keys[-2]) is not None: count['agreed', keys[-1]] = 1
        times = [(w, self.line_of(w)) for w in a.witness] + [('--tsa-ca', self.stamped(*s)) for s in self.stamps if a.ca]
        for by, when in (pair for pair in times if pair[1] is not None):
            late, count[by] = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(when + 120)), self.size
            want(newest[:19] <= late, '%s: anchored (%s) over 120 s before an entry, %s', self.name, by, newest)
def known(s):  # s: batch, item, request, and the verdict that holds of them now
    at, won = (s['batch'], s['item']), s['verdict'] in ('archived', 'already_archived', 'restored', 'already_active')
    if doubts.get(at, at) == s['request']: del doubts[at]
    items = batches[at[0]]['items'] if at[0] in batches or 'withheld' not in sums else {at[1]: 0}
    items[at[1]] = REACHED if won else items[at[1]] or ASKED
def fold(e, seq, at, b, receipts):  # what an entry says, after all before it
    kind, plan = e['kind'], b['plan'] if b else {'list': None}
    if kind == 'key.added':
        want(e['previous'] == (keys or [None])[-1], '#%d follows another key than the one in force', seq)
        keys.append(e['vkey'])
    elif kind == 'plan.stored':
        ids, own = ('plan/%s.%s' % (e['plan'], end) for end in ('ids', 'overrides'))
        plans[e['plan']] = dict(e, list=a.dir / ids if ids in sums else None)
        want(sums.get(ids, e['list_sha256']) == e['list_sha256'], '%s is not the list of #%d', ids, seq)
        want(ids not in sums or sums.get(own) == e['overrides_sha256'], '%s are not the own reasons of #%d', own, seq)
    elif kind == 'batch.started':
        batches[e['batch']] = dict(plan=plans[e['plan']], items=bytearray(plans[e['plan']]['items']))
        want(plans[e['plan']]['list'] or 'withheld' in sums, 'plan/%s.ids: missing, the list of its batch', e['plan'])
    elif kind == 'request':
        waiting[seq] = at
        if b and at[1] is not None: b['items'][at[1]] = b['items'][at[1]] or ASKED
        if e['method'] == 'GET' or not b and 'withheld' in sums: return
        want(b['items'][at[1]] == ASKED and at not in doubts, '#%d: item %d was final, or in doubt', seq, at[1])
        with open(plan['list'] or '/dev/null', 'rb') as file: run = (file.seek(33 * at[1]), file.read(32))[1] or e['run'].encode()
        fine, doubts[at] = e['purpose'] == plan['op'] and run == e['run'].encode(), seq
        want(fine, '#%d: its run is not item %d of its plan, or it does something else than its plan', seq, at[1])
    elif kind == 'response':
        want(waiting.pop(e['request'], None) == at, '#%d answers #%s, no open request of its item', seq, e['request'])
        unclear = e['verdict'] in ('unknown', 'unverified', None) or e['verdict'] == 'config_error' and 300 <= (e['http'] or 0) < 400
        for s in [e] * (doubts.get(at) == e['request'] and not unclear) + (e['settles'] or []): known(s)
    elif kind == 'decision': known(e)
    elif kind in ('item.skipped', 'item.cancelled'):
        for low, end in ((first, last + 1) for first, last in e['ranges']):
            want(0 <= low < end <= len(b['items']), '#%d speaks of items that its batch does not have', seq)
            want(REACHED not in b['items'][low:end], '#%d takes back a success in items %d to %d', seq, low, end - 1)
            b['items'][low:end] = bytes([LEFT_OUT]) * (end - low)
    elif kind in ('batch.paused', 'batch.ended'):
        c, n = e['counts'], plan['items'] + plan['duplicates']
        want(c['total'] == n == sum(c.values()) - c['total'], '#%d: conservation: %d were planned', seq, n)
        fine = c['done'] + c['already'] == b['items'].count(REACHED) and (
            kind == 'batch.paused' or c['pending'] == 0 and b['items'].count(0) <= c['in_doubt'])
        want(fine or not plan['list'], '#%d: other counts than the entries show', seq)
    elif kind == 'checkpoint.anchored':
        want((e['size'], e['root'], e['receipt']) in receipts, '#%d: its %s of %d entries is missing', seq, e['anchor'], e['size'])
    elif kind == 'body.erased': count['erased'] += len(e['seqs'])
    elif kind == 'clock.jumped': say('finding', '#%d: the clock jumped: it says %s', seq, e['time'])

def read_files():  # against SHA256SUMS; the notes, that of the bundle first
    listed = dict(line.decode().partition('  ')[::-2] for line in lines(a.dir / 'SHA256SUMS'))
    for path in sorted(a.dir.rglob('*')):
        name, kind = path.relative_to(a.dir).as_posix(), 0 if path.is_symlink() else 1 if path.is_file() else 2
        want(kind == 1 or kind == 2 and name in ('plan', 'checkpoints'), '%s: neither a file nor a folder of a bundle', name)
        if kind == 1 and name != 'SHA256SUMS': sums[name] = openssl('dgst -sha256 -r', path.resolve())[:64]
    for name in sorted({*NEEDED, *listed, *sums}):
        why = 'missing' if name not in sums else 'altered, not as in SHA256SUMS' if name in listed else 'surplus, not in SHA256SUMS'
        want(name in sums and listed.get(name) == sums[name], '%s: %s', name, why)
    raw = {n: open(a.dir / n, 'rb').read(65537) for n in sorted(sums) if n[:10] == 'checkpoint'}
    for n in raw: want(len(raw[n]) <= 65536, '%s: over 64 KiB', n)
    return [Note(n, raw[n], raw[n + '.signed'], [s for s in raw.items() if s[0].startswith(n + '.') and s[0].endswith('.tsr')])
            for n in raw if re.fullmatch('checkpoint|checkpoints/[0-9]+', n)]
def walk(notes, last, receipts):  # every entry and withheld subtree, in order
    todo, stack, where, good, newest, bodies = sorted(notes, key=lambda n: -n.size), [], 0, 0, '', bodies_of(a.dir / 'bodies.jsonl')
    body, entries = next(bodies, None), ((decode(line), line) for line in lines(a.dir / 'entries.jsonl'))
    for start, height, node, e in heapq.merge(((e['seq'], 0, sha(b'\0' + line), e) for e, line in entries), (
            (*part, None) for part in withheld()), key=lambda step: step[0]):
        fine, count['at'] = start == where and 0 <= height < 64 and start % (1 << height) == 0, start
        want(fine, '#%d stands where #%d belongs: entries are missing, twice there or out of order', start, where)
        where += 1 << height
        while stack and stack[-1][0] == height: height, node = height + 1, sha(b'\1' + stack.pop()[1] + node)
        stack.append((height, node))
        if e:
            newest, at = max(newest, e['time']), (e.get('batch'), e.get('item'))
            ref = e.get('source' if e['kind'] == 'plan.stored' else 'body') or {}
            fine = e['kind'] == 'journal.created' and e['origin'] == last.origin if start == 0 else e['kind'] != 'journal.created'
            want(fine, '#%d begins a journal: it is not the first entry, or the origin is another', start)
            fold(e, start, at, batches.get(at[0]), receipts)
            count['committed'] += bool(ref.get('commit'))
            if body and body[0] <= start:
                want(body == (start, ref.get('commit'), ref.get('bytes')), 'bodies.jsonl: #%d is not what the entry commits to', body[0])
                count['bodies'], body = count['bodies'] + 1, next(bodies, None)
        else: count['withheld'] += where - start
        while todo and todo[-1].size <= where:
            note, node = todo.pop(), stack[-1][1]
            for _, left in stack[-2::-1]: node = sha(b'\1' + left + node)
            want(note.size == where, '%s: cannot be compared, entries around #%d are withheld', note.name, note.size)
            why = '' if note.signed else ', or the journal was rewritten or forked'
            want(note.root == node, '%s: entries #%d to #%d do not give its root: altered%s', note.name, good, where - 1, why)
            good = where
            note.seen(newest)
    want(where == last.size and not body, 'entries.jsonl ends with #%d, its checkpoint has %d entries', where - 1, last.size)
def check(vkey):
    notes = read_files()
    last, stamps = notes[0], [s for n in notes for s in n.stamps]
    say('bundle', '%s, %d entries, root %s', last.origin, last.size, b64encode(last.root).decode())
    receipts = {(n.size, n.root.hex(), sha(r).hex()) for n in notes for r in [s[1] for s in n.stamps] + [x.encode() for x in n.lines]}
    used = {name for n in notes for name in (n.name, n.name + '.signed', *dict(n.stamps))} | {*NEEDED, 'withheld', 'bodies.jsonl'}
    for file in a.since_checkpoint:
        raw = pathlib.Path(file).read_bytes()  # a checkpoint, or one behind a proof and an empty line
        notes.append(Note(file, raw.partition(b'\n\n')[2] if raw.startswith((b'old ', b'c2sp.org/tlog-proof@')) else raw))
    for n in notes:
        want(n.origin == last.origin, '%s: of another journal: %s', n.name, n.origin)
        want(n.size <= last.size, '%s: has %d entries, the bundle only %d: older, or cut off', n.name, n.size, last.size)
    walk(notes, last, receipts)
    want(vkey in keys, 'checkpoint: signed by another key than the one given: %s', keys[-1])
    for n, key in enumerate(keys[1:], 1):
        want(count['agreed', key] or keys.index(vkey) >= n, 'the key given did not agree to its successor %s', key)
        if not count['agreed', key]: say('finding', 'nothing shows that the former key agreed to its successor %s', key)
    text = PUBLIC % (keys[-1], sha(keys[-1].encode()).hex(), b64encode(key_of(keys[-1])[3]).decode())
    want((a.dir / 'public-key.txt').read_bytes() == text.encode(), 'public-key.txt: not the key in force')
    extra = set(sums) - used - {'plan/%s.%s' % (plan, end) for plan in plans for end in ('ids', 'overrides')}
    want(not extra, '%s: surplus', ', '.join(sorted(extra)))
    for by in a.witness + ['--tsa-ca'] * bool(a.ca):
        want(count[by], 'no checkpoint here is anchored by %s', by)
        print('anchored by %s: entries below #%d' % (by, count[by]))
    for (batch, item), seq in doubts.items(): say('finding', '#%d: item %s of %s is in doubt', seq, item, batch)
    others = [line for n in notes for line in n.lines if line.split()[1] != last.origin]
    if not others and not stamps: say('finding', 'nothing anchored: no witness and no time stamp stands for it')
    print('checked: files and sums, each entry hashed again, order, tree and roots, signatures and key changes, exchanges, '
          'requests against plans, conservation, %d bodies; %d bodies erased' % (count['bodies'], count['erased']))
    lost = count['committed'] - count['bodies'] - count['erased']
    for true, what in ((others and not a.witness, 'cosignatures: no --witness'), (lost > 0, '%d bodies that are withheld' % lost),
                       (stamps and not a.ca, '%d time stamps: no --tsa-ca' % len(stamps)), (count['withheld'],
                        'completeness: %d of %d entries withheld, any of them may meet the filter; closure of the partial batches'
                        % (count['withheld'], last.size)),
                       (1, 'README.txt, verify.py, history, items and summary beyond their sums; item states beyond done and left out; '
                        'clocks where no entry speaks of them; how long after a batch its first anchor came; '
                        "revocation of the authority's certificate; what the operator did not record")):
        if true: print('NOT checked: ' + what)
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument('dir', metavar='DIR', type=pathlib.Path)
parser.add_argument('vkey', metavar='VKEY', help='the key of the journal, or a file with it in its first line')
for option in ('--witness', '--since-checkpoint'): parser.add_argument(option, action='append', default=[])
parser.add_argument('--tsa-ca', metavar='FILE', dest='ca')
a = parser.parse_args()
own = pathlib.Path(a.vkey).is_file() and a.dir.resolve() in pathlib.Path(a.vkey).resolve().parents
try:
    given = [pathlib.Path(k).read_text().split('\n')[0] if pathlib.Path(k).is_file() else k for k in [a.vkey] + a.witness]
    for n, key in enumerate(given): want(key_of(key)[2] == (4 if n else 1), 'a key of the wrong type: %s', key)
    a.witness, a.ca = given[1:], a.ca and pathlib.Path(a.ca).read_bytes()
    check(given[0])
except Exception as error:  # whatever a bundle makes go wrong, it is not verified
    say('failed', '%s%s', '' if type(error) is ValueError else 'after #%d: %s: ' % (count['at'], type(error).__name__), error)
if own: print('NOT checked: whose key this is: it was taken from the bundle itself')
end = 'FAILED' if count['failed'] else 'verified with findings' if count['finding'] else 'verified'
print(end + ' (a selection: sound, not complete)' * ('withheld' in sums))
sys.exit(1 if count['failed'] else 3 if count['finding'] else 0)
