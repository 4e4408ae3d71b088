# SPDX-License-Identifier: Apache-2.0
"""Anchors: time stamps and cosignatures of others, with an authority and a witness that check by
themselves and misbehave where a case says so."""
import hashlib
import json
import os
import signal
import time
import urllib.error
import urllib.request

import authority
import notes
import service
import witness
from authority import TimeStampAuthority
from harness import World as Harness, main
from wire import Authority as CertificateAuthority
from witness import Witness

STAMPED = 'application/timestamp-reply'
ALARM = 'ALARM: the witness'


class World(Harness):
    """With a key for its vault in the environment."""

    def __init__(self):
        super().__init__('--runs', '3')
        path = os.path.join(self.folder, 'key')
        with open(path, 'wb') as file:
            file.write(os.urandom(48))
        os.chmod(path, 0o600)
        self.env['MUNIMENT_KEY_FILE'] = path
        self.plans = 0

    def refuse(self, status, *args, says=()):
        got, out, err = self.call(*args)
        assert got == status, '%s: exit %d, not %d: %s' % (' '.join(args), got, status, err)
        for word in (says,) if isinstance(says, str) else says:
            assert word in err, '%s: no "%s" in: %s' % (' '.join(args), word, err)
        return out

    def grow(self):
        self.plans += 1
        return self.plan(reason='plan number %d of the tests' % self.plans)

    def checkpoint(self, *others):
        """Signed, and anchored by the others."""
        return notes.Note(self.expect(0, 'checkpoint', *asked(*others)))

    def signed(self, *trusting):
        """A first checkpoint, whose key the witnesses get."""
        note = self.checkpoint()
        vkey = self.expect(0, 'checkpoint', '--public-key').split('\n')[0]
        for one in trusting:
            one.trust(vkey)
        return note

    def head(self):
        return len(self.expect(0, 'log', '-o', 'jsonl').splitlines())

    def anchored(self):
        return [entry for entry in self.lines('log') if entry['kind'] == 'checkpoint.anchored']


def asked(*others):
    args = []
    for one in others:
        if isinstance(one, TimeStampAuthority):
            args += ['--timestamp', one.url]
        else:
            args += ['--witness', one.url, '--witness-key', one.vkey]
    return args


def sent(one, at=-1):
    """A request to a witness: old, proof, note."""
    return notes.read_growth(one.requests[at][2].decode())


def time_stamp():
    with World() as w, TimeStampAuthority() as tsa:
        w.grow()
        first = w.checkpoint()
        note = w.checkpoint(tsa)
        assert note.note == first.note, 'the note stays as it was signed'
        path, headers, _ = tsa.requests[0]
        assert path == '/' and headers['Content-Type'] == 'application/timestamp-query', headers
        assert headers['Accept'] == STAMPED and 'Authorization' not in headers, headers
        entry, = w.anchored()
        assert (entry['anchor'], entry['by'], entry['size']) == ('timestamp', 'CN=TSA,O=Test',
                                                                 note.size), entry
        assert entry['receipt'] == hashlib.sha256(tsa.answers[0]).hexdigest(), entry
        # what the authority signed is the note, as a stranger would check it
        paths = [tsa.write('note', note.note.encode()), tsa.write('kept', tsa.answers[0])]
        tsa.openssl('ts', '-verify', '-data', paths[0], '-in', paths[1], '-CAfile', tsa.ca)
        assert w.head() == note.size + 1
        assert w.checkpoint().note == note.note, 'an anchor is no reason to sign again'


def only_our_line_is_stamped():
    with World() as w, TimeStampAuthority() as tsa, Witness() as one:
        first = w.signed(one)
        cosigned = w.checkpoint(one)
        assert len(cosigned.lines) == 2 and cosigned.lines[0] == first.lines[0]
        w.checkpoint(tsa)
        tsa.openssl('ts', '-verify', '-data', tsa.write('note', first.note.encode()), '-in',
                    tsa.write('kept', tsa.answers[0]), '-CAfile', tsa.ca)


def cosignature():
    with World() as w, Witness() as one:
        w.signed(one)
        w.grow()
        before = time.time() - 1
        note = w.checkpoint(one)
        assert one.requests[0][0] == '/add-checkpoint'
        old, proof, asked_for = sent(one)
        assert (old, proof, asked_for.note) == (0, [], note.note[:len(asked_for.note)])
        assert len(asked_for.lines) == 1 and len(note.lines) == 2, 'only our line is sent'
        assert before <= note.signed_by(notes.Key(one.vkey)) <= time.time() + 1
        entry, = w.anchored()
        assert (entry['anchor'], entry['by'], entry['size'], entry['root']) == (
            'witness', 'witness.example/w1', note.size, note.root.hex()), entry
        # the next one begins where the journal knows that the witness is
        w.grow()
        grown = w.checkpoint(one)
        assert grown.size > note.size and len(one.requests) == 2
        assert sent(one)[0] == note.size
        assert one.seen[note.origin] == (grown.size, grown.root)
        # asked again for the same: it may cosign anew, with our line alone before it
        again = w.checkpoint(one)
        old, proof, asked_for = sent(one)
        assert (old, proof, len(asked_for.lines)) == (grown.size, [], 1)
        assert again.text == grown.text and again.signed_by(notes.Key(one.vkey))


def many_of_each():
    with World() as w, TimeStampAuthority('A') as a, TimeStampAuthority('B') as b, \
            Witness('w.example/1') as one, Witness('w.example/2') as two:
        w.signed(one, two)
        for _ in range(2):
            w.grow()
            note = w.checkpoint(a, b, one, two)
            assert all(note.signed_by(notes.Key(each.vkey)) for each in (one, two))
        assert len(w.anchored()) == 8
        assert len(one.requests) == len(two.requests) == 2, 'each with its own old size'
        # a third joins: it is told apart by what it answers
        with Witness('w.example/3') as three:
            three.trust(w.expect(0, 'checkpoint', '--public-key').split('\n')[0])
            w.grow()
            assert w.checkpoint(three, two).signed_by(notes.Key(three.vkey))
            assert [sent(three, i)[0] for i in range(len(three.requests))] == [0]


def behind_a_prefix():
    with World() as w, Witness() as one:
        w.signed(one)
        w.refuse(14, 'checkpoint', '--witness', one.url + '/a/b/', '--witness-key', one.vkey,
                 says='HTTP 404')
        assert one.requests[0][0] == '/a/b/add-checkpoint'


def witness_knows_less():
    """It was set back, or it lost its answer on the way here: 409 with what it knows."""
    with World() as w, Witness() as one:
        w.signed(one)
        w.grow()
        note = w.checkpoint(one)
        w.grow()
        one.seen.clear()
        assert w.checkpoint(one).size > note.size
        assert [sent(one, i)[0] for i in (1, 2)] == [note.size, 0]


def witness_knows_more():
    """Another key of it than the journal has seen: old 0, then from what it says."""
    with World() as w, Witness() as one:
        w.signed(one)
        w.grow()
        note = w.checkpoint(one)
        w.grow()
        one.signer = witness.Signer(one.folder, 'witness.example/w2', witness.COSIGNER)
        one.vkey = one.signer.vkey
        grown = w.checkpoint(one)
        assert [sent(one, i)[0] for i in (1, 2)] == [0, note.size]
        assert grown.signed_by(notes.Key(one.vkey))


def witness_knows_what_is_not_signed():
    """No checkpoint of that size or above is there to be sent."""
    with World() as w, TimeStampAuthority() as tsa, Witness() as one:
        note = w.signed(one)
        w.checkpoint(tsa)
        one.seen[note.origin] = note.size + 1, bytes(32)
        w.refuse(14, 'checkpoint', *asked(one), says='the newest checkpoint has %d' % note.size)
        assert len(one.requests) == 1


def three_times_at_most():
    with World() as w, Witness() as one:
        for _ in range(6):
            w.grow()
        w.signed(one)
        one.fault = witness.STUBBORN
        w.refuse(14, 'checkpoint', *asked(one), says='HTTP 409 each time')
        assert [sent(one, i)[0] for i in range(len(one.requests))] == [0, 2, 3, 4]
        assert not w.anchored()


def alarmed(w, one, words):
    """The alarm was given: nothing is written any more, but what is there can be read."""
    size = w.head()
    w.refuse(12, 'checkpoint', *asked(one), says=(ALARM, words, 'rolled back or forked', 'adopt'))
    assert w.head() == size
    requests = len(one.requests)
    w.refuse(12, 'checkpoint')
    w.refuse(12, 'checkpoint', *asked(one))
    w.refuse(12, 'plan', '--org', '0' * 32, '--from', w.sandbox.ids_file, '--reason',
             'a plan behind the alarm')
    assert w.head() == size and len(one.requests) == requests, 'nothing is sent either'
    assert words in w.call('status', '--all')[2]


def more_than_we_have():
    with World() as w, Witness() as one:
        w.signed(one)
        w.grow()
        one.fault = witness.HIGH
        alarmed(w, one, 'has cosigned 1099511627776 entries')


def another_line():
    with World() as w, Witness() as one:
        note = w.signed(one)
        w.grow()
        one.seen[note.origin] = 2, bytes(32)  # 409 to old 0, 422 to the proof from 2
        w.grow()
        alarmed(w, one, 'has cosigned 2 entries that are not the first ones')
        assert [sent(one, i)[0] for i in range(len(one.requests))] == [0, 2]


def another_root_of_the_same_size():
    with World() as w, Witness() as one:
        w.signed(one)
        note = w.checkpoint(one)
        one.seen[note.origin] = note.size, bytes(32)
        alarmed(w, one, 'has cosigned %d other entries' % note.size)


def authority_fault(fault, words):
    with World() as w, TimeStampAuthority() as tsa:
        first = w.signed()
        tsa.fault = fault
        out = w.refuse(14, 'checkpoint', '--timestamp', tsa.url, says=('no anchor from', words))
        assert out == first.note, 'the checkpoint is shown, its note is kept'
        assert not w.anchored() and w.head() == first.size
        assert len(tsa.requests) == 1, 'tried again only by the next one'
        tsa.fault = None
        w.checkpoint(tsa)
        assert len(w.anchored()) == 1


def witness_fault(fault, words, prepare=None):
    with World() as w, Witness() as one:
        if prepare:
            prepare(one)
        first = w.signed(*([] if prepare else [one]))
        one.fault = fault
        out = w.refuse(14, 'checkpoint', *asked(one), says=('no anchor from', words))
        assert out == first.note and not w.anchored() and w.head() == first.size
        assert len(one.requests) == 1


def trust_nobody(one):
    pass


def known_but_another_key(one):
    """The log's name is known, with another key."""
    class Any(dict):
        def __contains__(self, origin):
            return True

        def __missing__(self, origin):
            return []

    one.logs = Any()


def lines_of_others_are_dropped():
    with World() as w, Witness() as one:
        w.signed(one)
        one.fault = witness.COMPANY
        note = w.checkpoint(one)
        assert [name for name, _ in note.keys()] == [note.origin, 'witness.example/w1']
        assert len(w.anchored()) == 1
        assert 'stranger' not in w.expect(0, 'log', '-o', 'jsonl')


def one_fails_the_other_counts():
    with World() as w, TimeStampAuthority() as tsa, Witness() as one:
        w.signed(one)
        tsa.fault = 503
        w.refuse(14, 'checkpoint', *asked(tsa, one), says=(tsa.url, 'HTTP 503'))
        assert [entry['anchor'] for entry in w.anchored()] == ['witness']


def ten_seconds_in_all():
    """All hang at once; one of them after a first answer."""
    with World() as w, TimeStampAuthority() as tsa, Witness('a.example') as one, \
            Witness('b.example') as two:
        for _ in range(6):
            w.grow()
        w.signed(one, two)
        tsa.fault = one.fault = service.HANG
        two.fault, two.delay = witness.STUBBORN, 4
        begun = time.monotonic()
        w.refuse(14, 'checkpoint', *asked(tsa, one, two), says='imed out')
        assert 9 < time.monotonic() - begun < 14, time.monotonic() - begun
        assert len(two.requests) <= 3
        assert not w.anchored()


def usage():
    with World() as w, Witness() as one:
        key = ('--witness-key', one.vkey)
        bad = 'vkey'
        for args, words in (
                (('--witness', one.url), '--witness needs --witness-key'),
                (key, '--witness-key needs --witness'),
                (('--witness', one.url, *key, *key), 'given twice'),
                (('--witness', one.url, '--witness', one.url, *key), 'given twice'),
                (('--witness', one.url + '/?a', *key), 'without a query'),
                (('--witness', 'ftp://x', *key), 'http or https'),
                (('--timestamp', 'http://user:hush@x/'), 'http or https'),
                (('--timestamp', one.url, '--timestamp', one.url), 'given twice'),
                (('--timestamp', 'x'), 'http or https'),
                (('--witness', one.url, '--witness-key', bad), '--witness-key'),
                (('--witness', one.url, '--witness-key',
                  one.vkey.replace('w1+', 'w2+')), '--witness-key')):
            status, _, err = w.call('checkpoint', *args)
            assert status == 2 and words in err and 'hush' not in err, (args, status, err)
        vkey = w.signed().origin and w.expect(0, 'checkpoint', '--public-key').split('\n')[0]
        w.refuse(2, 'checkpoint', '--witness', one.url, '--witness-key', vkey, says='of a log')
        # what signs nothing anchors nothing, and does not look as if
        for args in (('--list',), ('--public-key',), ('--add', os.devnull)):
            for more in (('--timestamp', one.url), ('--witness', one.url, *key)):
                w.refuse(2, 'checkpoint', *args, *more, says='not with')
        assert not one.requests


def over_tls():
    ca = CertificateAuthority()
    try:
        with World() as w, TimeStampAuthority(context=ca.issue()) as tsa:
            w.signed()
            w.refuse(14, 'checkpoint', '--timestamp', tsa.url, says='certificate')
            assert not tsa.requests
            w.expect(0, 'run', w.grow(), '--rate', 'none', '--timestamp', tsa.url, '--cacert',
                     ca.file)
            assert len(w.anchored()) == 2
    finally:
        ca.close()


def a_signal_ends_the_waiting():
    """The checkpoint is shown all the same."""
    with World() as w, TimeStampAuthority() as tsa:
        first = w.signed()
        tsa.fault = service.HANG
        process = w.start('checkpoint', '--timestamp', tsa.url)
        while not tsa.requests:
            time.sleep(0.02)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - begun < 5
        assert process.returncode in (14, -signal.SIGINT, 130) and 'given up' in err, err
        assert out == first.note


def authority_expires():
    """Its certificate lives for six seconds; what it stamped is good for longer."""
    with World() as w, TimeStampAuthority(end=service.stamp_now(6)) as tsa:
        w.signed()
        note = w.checkpoint(tsa)
        made = str(int(time.time()))
        tsa.expire()
        verify = ('ts', '-verify', '-data', tsa.write('note', note.note.encode()), '-in',
                  tsa.write('kept', tsa.answers[0]), '-CAfile', tsa.ca)
        tsa.openssl(*verify, '-attime', made)
        try:
            tsa.openssl(*verify)
            raise RuntimeError('the certificate has not expired')
        except AssertionError:
            pass
        w.expect(0, 'verify', '--tsa-ca', tsa.ca, '--require-timestamp')
        w.refuse(14, 'checkpoint', '--timestamp', tsa.url, says='no anchor')


def protocol_vectors():
    """The witness of these tests answers as the specification's own."""
    with open(os.path.join(os.environ['MUNIMENT_VECTORS'], 'witness-add-checkpoint.json'), encoding='utf-8') as file:
        vectors = json.load(file)
    with Witness(vectors['witness_name']) as one:
        one.trust(vectors['log_vkey'])
        for case in vectors['cases']:
            ask = urllib.request.Request(one.url + '/add-checkpoint',
                                         data=case['request_body'].encode())
            try:
                with urllib.request.urlopen(ask) as answer:
                    status, body = answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                status, body = error.code, error.read().decode()
            says = json.loads('"%s"' % case['response_assert'].split('"')[1])
            # an unknown log is 404 since these were made
            assert status == (404 if says == 'unknown log' else case['http_status']), case
            assert body == says if '==' in case['response_assert'] else says in body, (case, body)


def runs_are_anchored():
    """At the start and at the end, also where the end comes before the first answer."""
    for delay in (0, 1):
        with World() as w, TimeStampAuthority() as tsa, Witness() as one:
            w.signed(one)
            tsa.delay = one.delay = delay
            w.expect(0, 'run', w.grow(), '--rate', 'none', *asked(tsa, one))
            seq = {e['kind']: e['seq'] for e in w.lines('log') if e['kind'].startswith('batch.')}
            for kind in ('timestamp', 'witness'):
                first, last = [e['size'] for e in w.anchored() if e['anchor'] == kind]
                assert seq['batch.started'] < first <= seq['batch.ended'] < last, (first, last)
            assert len(one.requests) == 2 and sent(one)[0] == first


def an_alarm_stops_a_run():
    with World() as w, Witness() as one:
        w.signed(one)
        plan = w.grow()
        one.fault = witness.HIGH
        status, _, err = w.call('run', plan, '--rate', '60/m', *asked(one))
        assert status == 12 and ALARM in err, (status, err)
        w.refuse(12, 'resume', says='rolled back or forked')


def runs_do_not_wait():
    """Anchors that fail are a warning; while they hang, requests go on."""
    with World() as w, TimeStampAuthority() as tsa, Witness() as one:
        w.signed(one)
        plan = w.grow()
        tsa.fault, one.fault = service.HANG, 500
        begun = time.time()
        status, _, err = w.call('run', plan, '--rate', 'none', *asked(tsa, one))
        assert status == 0 and err.count('no anchor from') >= 2, (status, err)
        ended, = [e['time'] for e in w.lines('log') if e['kind'] == 'batch.ended']
        soon = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(begun + 8))
        assert ended < soon, 'the work waited for an anchor'
        assert time.time() - begun < 16, 'more than one limit was waited for'
        assert not w.anchored()


CASES = [
    ('time stamp', time_stamp),
    ('only our line is stamped', only_our_line_is_stamped),
    ('cosignature', cosignature),
    ('many of each', many_of_each),
    ('behind a prefix', behind_a_prefix),
    ('the witness knows less', witness_knows_less),
    ('the witness knows more', witness_knows_more),
    ('the witness knows what is not signed', witness_knows_what_is_not_signed),
    ('three times at most', three_times_at_most),
    ('more than we have', more_than_we_have),
    ('another line', another_line),
    ('another root of the same size', another_root_of_the_same_size),
    ('lines of others are dropped', lines_of_others_are_dropped),
    ('one fails, the other counts', one_fails_the_other_counts),
    ('ten seconds in all', ten_seconds_in_all),
    ('usage', usage),
    ('over TLS', over_tls),
    ('a signal ends the waiting', a_signal_ends_the_waiting),
    ('an alarm stops a run', an_alarm_stops_a_run),
    ('authority expires', authority_expires),
    ('runs are anchored', runs_are_anchored),
    ('runs do not wait', runs_do_not_wait),
]
for FAULT, WORDS in (
        (authority.NONCE, 'nonce mismatch'), (authority.IMPRINT, 'message imprint mismatch'),
        (authority.TRAILING, '1 bytes stand behind'), (authority.REJECTION, 'refuses, status 2'),
        (authority.FORGED, 'not valid'), (authority.LATE, 'clocks is wrong'),
        (service.GARBAGE, 'no time stamp reply'), (service.LARGE, 'more than 65536 bytes'),
        (service.NOTHING, 'no time stamp reply'), (service.DROP, ''),
        (service.REDIRECT, 'HTTP 302'), (500, 'HTTP 500')):
    CASES.append(('authority: %s' % FAULT, lambda f=FAULT, w=WORDS: authority_fault(f, w)))
for FAULT, WORDS, PREPARE in (
        (witness.WRONG_KEY, 'cosignature of witness.example/w1 is not valid', None),
        (witness.WRONG_TIME, 'no good cosignature', None),
        (witness.STRANGER, 'no good cosignature', None),
        (witness.LAGGING, 'clocks is wrong', None), (service.GARBAGE, 'no list', None),
        (service.LARGE, 'more than 65536 bytes', None), (service.NOTHING, 'no list', None),
        (service.DROP, '', None), (service.REDIRECT, 'HTTP 302', None), (409, 'without a size', None),
        (b'2', 'without a size', None), (b'02\n', 'without a size', None),
        (b'2\n\n', 'without a size', None), (b'-2\n', 'without a size', None),
        (b'9' * 20 + b'\n', 'without a size', None), (400, 'HTTP 400', None), (500, 'HTTP 500', None),
        (None, 'does not know this journal', trust_nobody),
        (None, 'does not know the key', known_but_another_key)):
    CASES.append(('witness: %s %s' % (FAULT, WORDS),
                  lambda f=FAULT, w=WORDS, p=PREPARE: witness_fault(f, w, p)))

if 'MUNIMENT_VECTORS' in os.environ:
    CASES.append(('protocol vectors', protocol_vectors))

if __name__ == '__main__':
    main(CASES, workers=8)
