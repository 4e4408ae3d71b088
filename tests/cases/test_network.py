# SPDX-License-Identifier: Apache-2.0
"""What a network and a server can do to a request, seen from the server and from the journal."""
import collections
import json
import os
import resource
import socket
import threading
import time

from harness import World, conserved, main
from wire import GOODBYE, RESET, Api, Bench, counts, reply

HTML = (b'<!doctype html><title>Sign in</title>', 'Content-Type: text/html')
RSS_MAX_KB = 120 * 1024


def on_mutation(*numbers):
    """Decides answer functions: only the mutations with these numbers (from 1), or all."""
    def wrap(function):
        def answer(api, request):
            if request.mutate and (not numbers or len(api.mutations()) in numbers):
                return function(api, request)
            return None
        return answer
    return wrap


def evidence(bench):
    return collections.Counter((row['verdict'], row['evidence']) for row in bench.lines('history'))


def check(bench, plan, want, *options, status=0):
    result, err = bench.run(plan, *options, status=status)
    assert counts(result) == want, '%s, not %s: %s' % (counts(result), want, err[-300:])
    assert conserved(result['counts'])
    bench.expect(0, 'verify')
    bench.compare()
    return result, err


# ---- nobody there ----

def no_such_name():
    with Bench(Api()) as bench:
        plan = bench.plan(url='https://nope.invalid')
        _, err = bench.run(plan, '--max-wait', '1s', status=14)
        assert 'nope.invalid' in err and 'esolv' in err and 'resolv' in err.split('(')[1], err
        assert bench.status(plan)['state'] == 'stored'
        assert not bench.lines('history')
        responses = [entry for entry in bench.lines('log') if entry['kind'] == 'response']
        assert responses and all(entry['sent'] is False for entry in responses)


def http_only_for_loopback():
    with Bench(Api()) as bench:
        for url in ('http://nope.invalid', 'http://10.0.0.1', 'http://127.0.0.1.nope.invalid'):
            bench.expect(2, 'plan', '--org', '0' * 32, '--base-url', url, '--from',
                         bench.sandbox.ids_file, '--reason', 'not in the clear')


def address_is_kept():
    with Bench(Api()) as bench:
        bench.run(bench.plan(url='http://127.0.0.1:1'), '--max-wait', '1s', status=14)
        responses = [entry for entry in bench.lines('log') if entry['kind'] == 'response']
        assert responses[0]['remote_ip'] == '127.0.0.1', responses[0]


def black_hole():
    """No answer to the first packet: given up after ten seconds, long before --timeout."""
    hole = socket.create_server(('127.0.0.1', 0), backlog=0)
    full = []
    for _ in range(4):  # fills the queue: the next ones get no answer
        peer = socket.socket()
        peer.setblocking(False)
        peer.connect_ex(hole.getsockname())
        full.append(peer)
    with Bench(Api()) as bench:
        plan = bench.plan(url='http://127.0.0.1:%d' % hole.getsockname()[1])
        began = time.monotonic()
        _, err = bench.run(plan, '--max-wait', '2s', status=14)
        took = time.monotonic() - began
        assert 8 < took < 16, 'gave up after %.1f s' % took
        assert 'timed out' in err or 'Timeout' in err, err
    for peer in [*full, hole]:
        peer.close()


def goes_away():
    """In mid-run: waiting, no attempt is used up; past --max-wait it halts, and goes on later."""
    @on_mutation(2)
    def answer(api, request):
        api.deafen()
        api.effect(request)
        return reply(200, {'data': api.document(request.run)}), GOODBYE

    with Bench(Api(answer=answer)) as bench:
        plan = bench.plan()
        process = bench.start('run', plan, '-o', 'json', '--rate', 'none', '--attempts', '1',
                              '--max-wait', '4s', '--progress', 'none')
        seen = watch(bench, process)
        out, err = process.communicate(timeout=60)
        result = json.loads(out)
        assert process.returncode == 14, err
        assert 'waiting for network' in ''.join(seen), seen
        assert counts(result) == {'archived': 2, 'pending': 4}, result
        assert 'could not be reached' in err, err
        bench.sandbox.hear()
        bench.expect(0, 'resume', result['batch'], '--rate', 'none', '--attempts', '1')
        assert len(bench.sandbox.archived) == 6
        bench.compare()


def watch(bench, process):
    """What `status` says of the runner while it lives, each text once."""
    seen = []
    while process.poll() is None:
        got, out, _ = bench.call('status', '-o', 'json')
        rows = json.loads(out) if got == 0 and out.strip() else []
        for row in rows:
            if row['kind'] == 'batch':
                text = str(bench.status(row['id'])['held_by'])
                if text not in seen:
                    seen.append(text)
        time.sleep(0.2)
    return seen


def other_loopbacks():
    hosts = [('127.0.0.1', 'localhost')]
    if socket.has_ipv6:
        try:
            socket.create_server(('::1', 0), family=socket.AF_INET6).close()
            hosts.append(('::1', None))
        except OSError:
            pass
    for address, host in hosts:
        with Bench(Api(address=address, host=host)) as bench:
            check(bench, bench.plan(), {'archived': 6})
            assert {entry['remote_ip'] for entry in bench.lines('log')
                    if entry['kind'] == 'response'} == {address}


def no_netrc_no_cookies():
    @on_mutation(1)
    def answer(api, request):
        api.effect(request)
        return reply(200, {'data': api.document(request.run)}, 'Set-Cookie: kept=1; Path=/')

    with Bench(Api(answer=answer)) as bench:
        with open(os.path.join(bench.folder, '.netrc'), 'w', encoding='ascii') as file:
            file.write('machine 127.0.0.1 login ada password other\n')
        check(bench, bench.plan(), {'archived': 6})
        for request in bench.sandbox.received:
            assert request.header('Authorization') == 'Bearer sandbox-token'
            assert request.header('Cookie') is None and request.header('Expect') is None
            assert request.header('X-Tallyfy-Client') == 'APIClient'


def connections():
    """One is used again, but not after five seconds without a request."""
    with Bench(Api(runs=3)) as bench:
        check(bench, bench.plan(), {'archived': 3})
        assert len({each.connection for each in bench.sandbox.received}) == 1
    with Bench(Api(runs=1)) as bench:
        bench.expect(0, 'run', bench.plan(), '--rate', '1/6s', '--progress', 'none')
        used = [each.connection for each in bench.sandbox.received]
        assert len(set(used)) == len(used), 'an idle connection was used again: %s' % used


# ---- answers that are none ----

def redirect():
    @on_mutation(1)
    def answer(api, request):
        return reply(302, b'', 'Location: http://ada:secret@127.0.0.2:%d/login?a=b' % api.port)

    with Bench(Api(answer=answer)) as bench:
        plan = bench.plan()
        result, err = check(bench, plan, {'in_doubt': 1, 'pending': 5}, status=14)
        assert '127.0.0.2' in err and 'redirect' in err, err
        assert 'secret' not in err and b'secret' not in bench.whole()
        assert len(bench.sandbox.mutations()) == 1
        assert not [each for each in bench.sandbox.received if 'login' in each.path]
        bench.expect(0, 'resume', result['batch'], '--rate', 'none', '--settle', '300ms')
        bench.compare()


def web_page(effect):
    @on_mutation()
    def answer(api, request):
        if effect:
            api.effect(request)
        return reply(200, *HTML)

    with Bench(Api(answer=answer)) as bench:
        plan = bench.plan()
        if effect:
            check(bench, plan, {'archived': 6})
            assert evidence(bench) == {('archived', 'probe'): 6}
            return
        result, err = bench.run(plan, status=14)
        assert 'API changed?' in err, err
        assert len(bench.sandbox.mutations()) == 3
        assert counts(result)['pending'] + counts(result).get('in_doubt', 0) == 6, result
        bench.compare()


def nothing_said(status):
    @on_mutation()
    def answer(api, request):
        api.effect(request)
        return reply(status, None, length=status != 204)

    with Bench(Api(answer=answer)) as bench:
        check(bench, bench.plan(), {'archived': 6})
        assert evidence(bench) == {('archived', 'probe'): 6}
        assert len(bench.sandbox.mutations()) == 6


def cut(length, effect):
    """A good answer cut at each byte: without effect each second one is whole, or three in a row
    would halt."""
    whole = reply(200, {'data': {'id': '0' * 32, 'archived_at': '2026-01-02T03:04:05.678901Z'}},
                  length=length)
    begun = collections.Counter()

    @on_mutation()
    def answer(api, request):
        api.at = getattr(api, 'at', -1)
        begun[request.run] += 1
        if begun[request.run] > 1 or (not effect and len(begun) % 2 == 0):
            return None
        api.at += 1
        if api.at >= len(whole):
            return None
        api.cut.add(request.run)
        if effect:
            api.effect(request)
        good = reply(200, {'data': {'id': request.run,
                                    'archived_at': api.archived.get(request.run, '2026-01-02')}},
                     length=length)
        return good[:min(api.at, len(good) - 1)], GOODBYE

    api = Api(runs=(1 if effect else 2) * len(whole) + 2, answer=answer)
    api.cut = set()
    with Bench(api) as bench:
        check(bench, bench.plan(), {'archived': len(api.ids)}, '--settle', '50ms')
        assert len(api.cut) == len(whole) and len(api.archived) == len(api.ids)
        for row in bench.lines('history'):
            if row['run'] not in api.cut:
                continue
            assert row['evidence'] == ('probe' if row['attempt'] == 1 else 'response'), row
            assert row['verdict'] == ('archived' if effect or row['attempt'] == 2
                                      else 'no_effect'), row


def other_run():
    @on_mutation(2)
    def answer(api, request):
        api.effect(request)
        return reply(200, {'data': dict(api.document(request.run), id=api.ids[5])})

    with Bench(Api(answer=answer)) as bench:
        result, err = check(bench, bench.plan(), {'archived': 1, 'in_doubt': 1, 'pending': 4},
                            status=14)
        assert 'another run' in err, err
        bench.expect(0, 'resume', result['batch'], '--rate', 'none', '--settle', '300ms')
        assert evidence(bench)[('archived', 'probe')] == 1
        assert len(bench.sandbox.mutations()) == 6
        bench.compare()


def api_changed(runs):
    """archived_at has another name everywhere: no answer says anything any more."""
    def answer(api, request):
        if request.run is None or request.method not in ('GET', 'DELETE'):
            return None
        if request.mutate:
            api.effect(request)
        document = api.document(request.run)
        document['archivedAt'] = document.pop('archived_at')
        return reply(200, {'data': document})

    with Bench(Api(runs=runs, answer=answer)) as bench:
        result, err = bench.run(bench.plan(), '--attempts', '2', status=13 if runs == 1 else 14)
        if runs == 1:
            assert counts(result) == {'in_doubt': 1} and result['state'] == 'done_in_doubt'
        else:
            assert 'API changed?' in err and result['counts']['in_doubt'] == 3, err
        assert result['counts']['archived'] == 0
        assert len(bench.sandbox.mutations()) == min(runs, 3)
        bench.compare()


def deep(document):
    return b'{"data":' + json.dumps(document)[:-1].encode() + b',"stages":' + \
        b'[' * 10000 + b']' * 10000 + b'}}'


def endless_headers():
    yield b'HTTP/1.1 200 OK\r\n'
    while True:
        yield b'X-Filler: ' + b'a' * 60000 + b'\r\n'


def endless_body():
    yield b'HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n{"data":{"summary":"'
    for _ in range(1 << 14):
        yield b'a' * 65536


def monsters(document):
    text = json.dumps({'data': document}).encode()
    return [
        reply(200, text[:-2] + b',"id":"' + document['id'].encode() + b'"}}'),
        reply(200, b'{"data":{},' + text[1:]),
        reply(200, deep(document)),
        reply(200, text[:-2] + b',"progress":NaN}}'),
        reply(200, text[:-2] + b',"summary":"\xc3\x28"}}'),
        reply(200, text[:-2] + b',"summary":"\xed\xa0\x80"}}'),
        reply(200, text + b'{}'),
        reply(200, text + b'\0'),
        reply(200, b'\xef\xbb\xbf' + text[:-1]),
        reply(200, text[:-2] + b',"summary":"' + b'a' * (1 << 20) + b'"}}'),
        endless_body(),
        endless_headers(),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n' % (len(text) + 9) + text,
    ]


def hostile_bodies():
    count = len(monsters({'id': ''}))

    @on_mutation()
    def answer(api, request):
        number = len(api.mutations())
        if number % 2 == 0 or number // 2 >= count:
            return None  # the odd ones alone, or five in a row open the breaker
        api.effect(request)
        return monsters(api.document(request.run))[number // 2], GOODBYE

    with Bench(Api(runs=2 * count, answer=answer)) as bench:
        check(bench, bench.plan(), {'archived': 2 * count})
        assert len(bench.sandbox.mutations()) == 2 * count
        for row in bench.lines('history'):
            odd = bench.sandbox.ids.index(row['run']) % 2 == 0
            assert row['evidence'] == ('probe' if odd else 'response'), row
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert peak < RSS_MAX_KB, 'memory went up to %d KB' % peak


def hostile_headers():
    """An outcome fits its entry, whatever the header values are."""
    big = 'x' * 60000

    @on_mutation()
    def answer(api, request):
        api.effect(request)
        return reply(200, {'data': api.document(request.run)}, 'X-Request-Id: ' + big,
                     'CF-Ray: \x80\xff\x01' + big, 'Date: ' + big, 'Content-Type: ' + big,
                     'X-RateLimit-Remaining: ' + big, 'X-Other: kept-nowhere',
                     'Retry-After: ' + big)

    with Bench(Api(answer=answer)) as bench:
        check(bench, bench.plan(), {'archived': 6})
        text = bench.expect(0, 'log', '-o', 'jsonl')
        assert max(map(len, text.splitlines())) < 65536
        entries = [json.loads(line) for line in text.splitlines()]
        ids = [entry['headers'].get('x-request-id') for entry in entries
               if entry['kind'] == 'response']
        assert any(value and 100 <= len(value) <= 200 for value in ids), ids
        assert 'kept-nowhere' not in text


def drip():
    @on_mutation(2)
    def answer(api, request):
        api.effect(request)
        whole = reply(200, {'data': api.document(request.run)})

        def slowly():
            yield whole[:-20]
            for at in range(20):
                time.sleep(0.5)
                yield whole[len(whole) - 20 + at:][:1]
        return slowly()

    with Bench(Api(answer=answer)) as bench:
        began = time.monotonic()
        check(bench, bench.plan(), {'archived': 6}, '--timeout', '2s')
        assert time.monotonic() - began < 8
        assert evidence(bench) == {('archived', 'response'): 5, ('archived', 'probe'): 1}
        codes = [entry['curl']['name'] for entry in bench.lines('log')
                 if entry['kind'] == 'response']
        assert 'CURLE_OPERATION_TIMEDOUT' in codes


def dies_on_reuse(op, ending):
    """Each request on a connection that was used before is read, then it ends: libcurl alone
    would send it again."""
    used = collections.Counter()

    def answer(api, request):
        used[request.connection] += 1
        if not request.mutate or used[request.connection] == 1:
            return None
        api.effect(request)
        return ending

    with Bench(Api(answer=answer)) as bench:
        if op == 'restore':
            bench.sandbox.archived.update((run, '2026-01-02T03:04:05.000Z')
                                          for run in bench.sandbox.ids)
        word = 'archived' if op == 'archive' else 'restored'
        check(bench, bench.plan(op), {word: 6})
        sent = collections.Counter(each.run for each in bench.sandbox.mutations())
        assert sent == {run: 1 for run in bench.sandbox.ids}, sent
        assert (word, 'probe') in evidence(bench)
        assert any(entry['curl']['code'] == 42 for entry in bench.lines('log')
                   if entry['kind'] == 'response'), 'the guard was not needed: no test'


def late_effect():
    """502 while the origin still works on it: no second request before --settle."""
    @on_mutation(1)
    def answer(api, request):
        threading.Timer(1.5, api.effect, (request,)).start()
        return reply(502, *HTML)

    with Bench(Api(answer=answer)) as bench:
        check(bench, bench.plan(), {'archived': 6}, '--settle', '3s')
        assert len(bench.sandbox.mutations()) == 6
        assert evidence(bench)[('archived', 'probe')] == 1


def challenge():
    @on_mutation()
    def answer(api, request):
        return reply(403, *HTML)

    with Bench(Api(answer=answer)) as bench:
        result, err = check(bench, bench.plan(), {'pending': 6}, status=14)
        assert 'in front of the API' in err, err
        assert len(bench.sandbox.mutations()) == 3
        assert {row['verdict'] for row in bench.lines('history')} == {'blocked'}
        bench.sandbox.answer = None
        bench.expect(0, 'resume', result['batch'], '--rate', 'none')
        bench.compare()


def client_refused(status, body, exit_status, left):
    @on_mutation()
    def answer(api, request):
        return reply(status, body)

    with Bench(Api(answer=answer)) as bench:
        _, err = check(bench, bench.plan(), left, status=exit_status)
        assert 'token' not in err and 'credential' not in err, err
        assert len(bench.sandbox.mutations()) == 1


def errors_inside():
    """200 with errors: the evidence decides, in both directions."""
    @on_mutation(1, 2)
    def answer(api, request):
        if len(api.mutations()) == 2:
            api.effect(request)
        return reply(200, {'data': api.document(request.run),
                           'errors': [{'message': 'The process is busy.'}]})

    with Bench(Api(answer=answer)) as bench:
        check(bench, bench.plan(), {'archived': 6})
        assert evidence(bench) == {('no_effect', 'probe'): 1, ('archived', 'response'): 6}
        assert len(bench.sandbox.mutations()) == 7


def no_personal_data(bodies):
    @on_mutation(3)
    def answer(api, request):
        return reply(422, {'message': 'Ada Lovelace must not be disturbed',
                           'errors': {'email': ['ada@example.test']}})

    with Bench(Api(answer=answer)) as bench:
        with open(bench.sandbox.ids_file, encoding='ascii') as file:
            ids = file.read().split()
        with open(bench.sandbox.ids_file, 'w', encoding='ascii') as file:
            file.write('id,name,owner\n')
            for run in ids:
                file.write('%s,Contract of Ada,ada@example.test\n' % run)
        check(bench, bench.plan(), {'archived': 5, 'failed': 1}, '--bodies', bodies, status=9)
        text = bench.expect(0, 'log', '-o', 'jsonl')
        for word in ('Ada', 'ada@', 'example.test', 'Harborline', 'Contract'):
            assert word not in text, '%s stands in an entry' % word
        kept = [entry['body']['commit'] for entry in map(json.loads, text.splitlines())
                if entry['kind'] == 'response' and entry['body']]
        assert kept and any(kept) == (bodies == 'responses'), kept
        if bodies == 'none':
            assert b'disturbed' not in bench.whole()


def goal_reached_by_others(status):
    @on_mutation()
    def answer(api, request):
        return reply(status, {'message': 'archived already', 'code': 'RESOURCE_NOT_FOUND'})

    with Bench(Api(answer=answer)) as bench:
        bench.sandbox.archived.update((run, '2026-01-02T03:04:05.000Z')
                                      for run in bench.sandbox.ids)
        check(bench, bench.plan(), {'already_archived': 6})
        assert len(bench.sandbox.mutations()) == 6


def probe_without_answer():
    """One lost answer, and reads that fail: the rest gets done, the one is in doubt."""
    def answer(api, request):
        if request.run != api.ids[2]:
            return None
        return GOODBYE if request.mutate else reply(500, {'message': 'no'})

    with Bench(Api(answer=answer)) as bench:
        result, _ = check(bench, bench.plan(), {'archived': 5, 'in_doubt': 1}, '--attempts', '2',
                          status=13)
        assert result['state'] == 'done_in_doubt' and result['action'] == 'resolve'
        assert 'resolve' in result['next_command']
        bench.expect(13, 'resolve', result['batch'])
        bench.sandbox.answer = None
        bench.sandbox.archived[bench.sandbox.ids[2]] = bench.lines('history')[2]['time']
        bench.expect(0, 'resolve', result['batch'])
        assert counts(bench.status(result['batch'])) == {'archived': 6}
        assert len(bench.sandbox.mutations()) == 6


# ---- GET hides archived runs ----

def hidden(*options):
    with World('--runs', '6', '--get-archived', '404', '--fault', 'close-after@n=2-4',
               *options) as world:
        got, out, err = world.call('run', world.plan(), '-o', 'json', '--rate', 'none', '--settle',
                                   '300ms', '--attempts', '3', '--progress', 'none')
        assert got == 0, err
        assert counts(json.loads(out)) == {'archived': 6}
        assert len(world.sandbox.mutations()) == 6
        world.expect(0, 'verify')
        world.compare()


def walks(world):
    return [request for request in world.sandbox.requests() if request['path'].endswith('/runs')]


def one_walk_for_all():
    with World('--runs', '12', '--get-archived', '404', '--latency', '100', '--fault',
               'close-after@n=3-9') as world:
        got, out, err = world.call('run', world.plan(), '-o', 'json', '--rate', 'none',
                                   '--concurrency', '12', '--settle', '300ms', '--progress',
                                   'none')
        assert got == 0 and counts(json.loads(out)) == {'archived': 12}, err
        assert 1 <= len(walks(world)) <= 3, len(walks(world))
        assert len(world.sandbox.mutations()) == 12
        world.compare()


def unknown_runs(get_archived):
    """The first that is not found is looked for in the list; where GET is known to serve
    archived runs, its 404 is enough for the next."""
    with World('--runs', '4', '--get-archived', get_archived) as world:
        with open(world.sandbox.ids_file, encoding='ascii') as file:
            ids = file.read().split()
        ids[2:2] = ['%032x' % number for number in range(3)]
        with open(world.sandbox.ids_file, 'w', encoding='ascii') as file:
            file.write('\n'.join(ids) + '\n')
        got, out, err = world.call('run', world.plan(), '-o', 'json', '--rate', 'none',
                                   '--progress', 'none', '--settle', '300ms')
        assert got == 9 and counts(json.loads(out)) == {'archived': 4, 'failed': 3}, err
        assert len(world.sandbox.mutations()) == 7
        assert len(walks(world)) == (1 if get_archived == '200' else 3), len(walks(world))
        rows = [row['verdict'] for row in world.lines('history')]
        assert rows.count('not_found') == 3, rows
        world.expect(0, 'verify')


def list_ignores_filter():
    """A list that shows live rows whatever was asked for proves nothing about absence."""
    def answer(api, request):
        if request.run == api.ids[0]:
            return GOODBYE if request.mutate else \
                reply(404, {'code': 'RESOURCE_NOT_FOUND', 'message': 'Resource not found'})
        if not request.path.endswith('/runs'):
            return None
        rows = [api.document(run) for run in api.ids[1:]]
        return reply(200, {'data': rows, 'meta': {'pagination': {
            'total': len(rows), 'current_page': 1, 'total_pages': 1}}})

    with Bench(Api(answer=answer)) as bench:
        result, _ = check(bench, bench.plan(), {'archived': 5, 'in_doubt': 1}, '--attempts', '2',
                          status=13)
        asked = {each.query.split('&')[0] for each in bench.sandbox.received
                 if each.path.endswith('/runs')}
        assert asked == {'archived=only', 'status=archived'}, asked
        assert result['state'] == 'done_in_doubt'


def long_walk():
    """Twenty pages and no further: the run on the next one is in doubt, not gone."""
    with World('--runs', '2101', '--archived', '2100', '--get-archived', '404', '--fault',
               'close-after@n=1') as world:
        with open(world.sandbox.ids_file, encoding='ascii') as file:
            last = file.read().split()[-1]
        with open(world.sandbox.ids_file, 'w', encoding='ascii') as file:
            file.write(last + '\n')
        got, out, err = world.call('run', world.plan(), '-o', 'json', '--rate', 'none',
                                   '--settle', '300ms', '--attempts', '1', '--progress', 'none')
        assert got == 13, err
        assert counts(json.loads(out)) == {'in_doubt': 1}
        pages = [request for request in world.sandbox.requests()
                 if request['path'].endswith('/runs')]
        assert len(pages) == 20, len(pages)
        world.compare()


# ---- many failures ----

def third_fails():
    """More than 30 % of the last items: halts; resume goes on with the next; or --keep-going."""
    flags = ('--rate', 'none', '--progress', 'none', '-o', 'json')
    with World('--runs', '44', '--fault', '422@every=2') as world:
        plan = world.plan()
        got, out, err = world.call('run', plan, *flags)
        result = json.loads(out)
        assert got == 14 and '30 %' in err and '10 of 10 are rejected (HTTP 422)' in err, err
        assert result['counts']['failed'] == 10 and result['counts']['archived'] == 10, result
        assert len(world.sandbox.mutations()) == 20
        got, out, _ = world.call('resume', result['batch'], *flags)
        result = json.loads(out)
        assert got == 14 and result['counts']['pending'] == 4, result
        assert len(world.sandbox.mutations()) == 40, 'an item was sent again'
        world.compare()
    with World('--runs', '44', '--fault', '422@every=2') as world:
        got, out, _ = world.call('run', world.plan(), '--keep-going', *flags)
        assert got == 9 and counts(json.loads(out)) == {'archived': 22, 'failed': 22}
        started = [entry for entry in world.lines('log') if entry['kind'] == 'batch.started']
        assert started[0]['options']['keep_going'] is True, started


CASES = [
    ('no such name', no_such_name),
    ('http only for loopback', http_only_for_loopback),
    ('address of a refused connection', address_is_kept),
    ('black hole', black_hole),
    ('server goes away', goes_away),
    ('other loopbacks', other_loopbacks),
    ('no netrc, no cookies', no_netrc_no_cookies),
    ('connections', connections),
    ('302', redirect),
    ('200 HTML, no effect', lambda: web_page(False)),
    ('200 HTML, effect', lambda: web_page(True)),
    ('200 empty', lambda: nothing_said(200)),
    ('202 empty', lambda: nothing_said(202)),
    ('204', lambda: nothing_said(204)),
    ('cut, effect', lambda: cut(True, True)),
    ('cut, no effect', lambda: cut(True, False)),
    ('cut without a length, effect', lambda: cut(False, True)),
    ('cut without a length, no effect', lambda: cut(False, False)),
    ('another id', other_run),
    ('archived_at renamed, one run', lambda: api_changed(1)),
    ('archived_at renamed', lambda: api_changed(6)),
    ('hostile bodies', hostile_bodies),
    ('hostile headers', hostile_headers),
    ('slow drip', drip),
    ('dies on reuse: archive, FIN', lambda: dies_on_reuse('archive', GOODBYE)),
    ('dies on reuse: archive, RST', lambda: dies_on_reuse('archive', RESET)),
    ('dies on reuse: restore, FIN', lambda: dies_on_reuse('restore', GOODBYE)),
    ('dies on reuse: restore, RST', lambda: dies_on_reuse('restore', RESET)),
    ('effect after the 502', late_effect),
    ('403 in HTML', challenge),
    ('endpoint not found', lambda: client_refused(404, {'code': 'ENDPOINT_NOT_FOUND'}, 14,
                                                  {'pending': 6})),
    ('404 in HTML', lambda: client_refused(404, b'<p>no', 14, {'pending': 6})),
    ('400', lambda: client_refused(400, {'message': 'header missing'}, 7,
                                   {'failed': 1, 'pending': 5})),
    ('426', lambda: client_refused(426, {'message': 'upgrade'}, 7, {'failed': 1, 'pending': 5})),
    ('errors inside 200', errors_inside),
    ('personal data, bodies kept', lambda: no_personal_data('responses')),
    ('personal data, no bodies', lambda: no_personal_data('none')),
    ('422, goal reached', lambda: goal_reached_by_others(422)),
    ('400, goal reached', lambda: goal_reached_by_others(400)),
    ('404, goal reached', lambda: goal_reached_by_others(404)),
    ('410, goal reached', lambda: goal_reached_by_others(410)),
    ('probe without an answer', probe_without_answer),
    ('GET hides archived runs', hidden),
    ('the same, status=archived', lambda: hidden('--list-archived', 'status')),
    ('one walk for all', one_walk_for_all),
    ('unknown runs, GET serves archived ones', lambda: unknown_runs('200')),
    ('unknown runs, GET hides archived ones', lambda: unknown_runs('404')),
    ('list ignores its filter', list_ignores_filter),
    ('walk of 20 pages', long_walk),
    ('every second one fails', third_fails),
]

if __name__ == '__main__':
    main(CASES, 6)
