# SPDX-License-Identifier: Apache-2.0
"""429 and 5xx: who waits, for how long, and what is sent meanwhile."""
import datetime
import json
import time

from harness import World, main
from test_network import check, evidence, on_mutation, watch
from wire import FAST, Api, Bench, counts, reply

PLAIN = ('--rate', 'none', '--progress', 'none', '-o', 'json')
DATE = 'Wed, 21 Oct 2015 07:28:00 GMT'


def moment(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))


def too_many(*headers):
    return reply(429, {'message': 'Too Many Attempts.'}, *headers)


def costs_no_attempt():
    with World('--runs', '3', '--fault', '429:1@n=1-2') as world:
        got, out, err = world.call('run', world.plan(), '--attempts', '1', *PLAIN)
        assert got == 0, err
        assert counts(json.loads(out)) == {'archived': 3}
        assert len(world.sandbox.mutations()) == 5
        world.compare()


def storm():
    """429 on everything, longer than --max-wait in all: 6, and resumable."""
    with World('--runs', '3', '--fault', '429:1@all') as world:
        began = time.monotonic()
        got, out, err = world.call('run', world.plan(), '--max-wait', '3s', *PLAIN)
        assert got == 6, 'exit %d: %s' % (got, err)
        assert time.monotonic() - began < 10
        result = json.loads(out)
        assert counts(result) == {'pending': 3} and result['action'] == 'wait', result
        assert 'rate limited' in err and 'muniment resume' in err, err
        assert 2 <= len(world.sandbox.mutations()) <= 4
        assert not world.sandbox.process.poll()
        world.compare()


def leave_now():
    """Longer than --max-wait: at once, with the time in the message, the object and `status`."""
    @on_mutation()
    def answer(api, request):
        return too_many('Retry-After: 7200')

    with Bench(Api(answer=answer)) as bench:
        began = time.monotonic()
        result, err = check(bench, bench.plan(), {'pending': 6}, '--max-wait', '1h', status=6)
        assert time.monotonic() - began < 5
        assert result['state'] == 'halted' and result['action'] == 'wait', result
        due = moment(result['next_at'])
        ahead = due - datetime.datetime.now(datetime.timezone.utc)
        assert datetime.timedelta(minutes=115) < ahead <= datetime.timedelta(hours=2), result
        assert result['next_at'][:16] in err or result['next_at'][11:16] in err, \
            'the time %s is not in: %s' % (result['next_at'], err)
        told = moment(bench.status(result['batch'])['next_at'])
        assert abs(told - due) < datetime.timedelta(seconds=1), 'status says %s' % told


def binds_others():
    """The wait is the base URL's and organization's: for every process, every request, reads
    too, also with --rate none, and over the end of the process that was told."""
    @on_mutation()
    def answer(api, request):
        return too_many('Retry-After: 3600')

    with Bench(Api(answer=answer)) as bench:
        first = bench.plan()
        result, _ = bench.run(first, '--max-wait', '1s', status=6)
        before = len(bench.sandbox.received)
        second = bench.plan(reason='another plan of the same organization')
        for args in (('run', second), ('resume', result['batch'])):
            got, _, err = bench.call(*args, '--rate', 'none', '--max-wait', '1s')
            assert got == 6, 'exit %d: %s' % (got, err)
            assert len(bench.sandbox.received) == before, 'a request was sent all the same'
        elsewhere = Api()
        plan = bench.plan(url=elsewhere.url)
        bench.run(plan)
        elsewhere.close()


def binds_a_living_one():
    """Two processes: while one was told to wait, the other sends nothing."""
    said = []

    @on_mutation()
    def answer(api, request):
        if request.run == api.ids[0] and not said:
            said.append(time.monotonic())
            return too_many('Retry-After: 3')
        api.effect(request)
        if said:
            api.after.append(time.monotonic() - said[0])
        time.sleep(0.1)
        return reply(200, {'data': api.document(request.run)})

    api = Api(runs=31, answer=answer)
    api.after = []
    with Bench(api) as bench:
        with open(api.ids_file, 'w', encoding='ascii') as file:
            file.write('\n'.join(api.ids[1:]) + '\n')
        many = bench.plan()
        with open(api.ids_file, 'w', encoding='ascii') as file:
            file.write(api.ids[0] + '\n')
        one = bench.plan()
        process = bench.start('run', many, *FAST)
        while len(api.mutations()) < 3:
            time.sleep(0.02)
        bench.expect(0, 'run', one, *FAST)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        # what was admitted before the answer was known may still arrive
        assert not [late for late in api.after if 0.5 < late < 2.9], api.after
        bench.compare()


def binds_reads():
    """A probe that is refused holds back mutations as well."""
    said = []

    def answer(api, request):
        if request.run == api.ids[1] and request.mutate and not said:
            api.effect(request)
            return reply(500, {'message': 'no'})
        if request.run == api.ids[1] and not said:
            said.append((time.monotonic(), len(api.received)))
            return too_many('Retry-After: 2')
        if said:
            said.append((time.monotonic(), len(api.received)))
        return None

    with Bench(Api(answer=answer)) as bench:
        check(bench, bench.plan(), {'archived': 6})
        assert said[1][0] - said[0][0] >= 1.9, 'sent %.1f s later' % (said[1][0] - said[0][0])
        assert len(bench.sandbox.mutations()) == 6
        assert evidence(bench)[('archived', 'probe')] == 1


def first_request():
    """The identity is asked for again when the time has come, and nothing else before."""
    said = []

    def answer(api, request):
        said.append(time.monotonic())
        return too_many('Retry-After: 2') if len(said) == 1 else None

    with Bench(Api(answer=answer)) as bench:
        check(bench, bench.plan(), {'archived': 6})
        assert said[1] - said[0] >= 1.9, said
        assert bench.sandbox.received[1].path == '/me'
    with Bench(Api(answer=lambda api, request: too_many('Retry-After: 900'))) as bench:
        _, err = bench.run(bench.plan(), '--max-wait', '2s', status=6)
        assert 'rate limited' in err, err
        assert len(bench.sandbox.received) == 1


def jitter(least, most):
    return lambda waited: least <= waited <= most


# Headers of a 429, and the seconds that are waited. The first back-off is 1 to 2 s.
BACK_OFF = jitter(1, 2.1)
RETRY_AFTER = [
    ((), BACK_OFF),
    (('Retry-After: 0',), BACK_OFF),
    (('Retry-After: -5',), BACK_OFF),
    (('Retry-After: soon',), BACK_OFF),
    (('Retry-After: 3 s',), BACK_OFF),
    (('Retry-After:',), BACK_OFF),
    (('Retry-After: 17.5',), BACK_OFF),
    (('Retry-After: 1e9',), BACK_OFF),
    (('Retry-After: 17',), jitter(16.9, 17.1)),
    (('Retry-After:   0017  ',), jitter(16.9, 17.1)),
    (('retry-after: 17', 'Retry-After: 40'), jitter(39.9, 40.1)),
    (('Retry-After: 40', 'Retry-After: 17'), jitter(39.9, 40.1)),
    (('Retry-After: soon', 'Retry-After: 40'), jitter(39.9, 40.1)),
    (('Retry-After: 604800',), jitter(604799, 604801)),
    (('Retry-After: 99999999999999999999999999',), jitter(86400 * 365, 86400 * 367)),
    (('Date: ' + DATE, 'Retry-After: Wed, 21 Oct 2015 07:29:00 GMT'), jitter(59.9, 60.1)),
    (('Retry-After: Wed, 21 Oct 2015 07:29:00 GMT', 'Date: ' + DATE), jitter(59.9, 60.1)),
    (('Date: ' + DATE, 'Retry-After: Wednesday, 21-Oct-15 07:29:00 GMT'), jitter(59.9, 60.1)),
    (('Date: ' + DATE, 'Retry-After: Wed Oct 21 07:29:00 2015'), jitter(59.9, 60.1)),
    (('Date: ' + DATE, 'Retry-After: ' + DATE), BACK_OFF),
    (('Retry-After: Wed, 21 Oct 2015 07:29:00 GMT',), BACK_OFF),
    (('Date: soon', 'Retry-After: Wed, 21 Oct 2015 07:29:00 GMT'), BACK_OFF),
    (('Date: ' + DATE, 'Retry-After: Wed, 31 Feb 2015 07:29:00 GMT'), BACK_OFF),
]


def retry_after(headers, fits):
    @on_mutation()
    def answer(api, request):
        return too_many(*headers)

    with Bench(Api(runs=1, answer=answer)) as bench:
        result, _ = bench.run(bench.plan(), '--max-wait', '500ms', status=6)
        entry = [each for each in bench.lines('log') if each['kind'] == 'response'][-1]
        waited = (moment(entry['retry_at']) - moment(entry['time'])).total_seconds()
        assert fits(waited), 'waits %.1f s' % waited
        assert result['next_at'] == entry['retry_at'], result
        assert len(bench.sandbox.mutations()) == 1


def no_hot_loop():
    """Without a usable Retry-After the waits double, each at least a second."""
    times = []

    @on_mutation()
    def answer(api, request):
        times.append(time.monotonic())
        return too_many('Retry-After: 0')

    with Bench(Api(runs=1, answer=answer)) as bench:
        bench.run(bench.plan(), '--max-wait', '9s', status=6)
        gaps = [after - before for before, after in zip(times, times[1:])]
        assert 1 <= len(gaps) <= 8 and min(gaps) >= 0.95, gaps


# ---- 5xx ----

def flapping():
    with World('--runs', '12', '--fault', '503@every=2') as world:
        got, out, err = world.call('run', world.plan(), '-o', 'json', '--settle', '300ms',
                                   '--rate', 'none', '--progress', 'json')
        assert got == 0, err
        assert counts(json.loads(out)) == {'archived': 12}
        told = [json.loads(line) for line in err.splitlines() if line.startswith('{')]
        assert not [line for line in told if line.get('waiting_for') == 'server'], 'it opened'
        assert any(0 < line.get('answers_5xx', 0) < line['answers'] for line in told
                   if line['type'] == 'progress'), told
        world.compare()


def maintenance():
    """503 on everything: the breaker opens, no mutation is sent any more, and it halts."""
    def answer(api, request):
        return reply(503, b'<h1>Down', 'Content-Type: text/html') if api.mutations() else None

    with Bench(Api(runs=8, answer=answer)) as bench:
        process = bench.start('run', bench.plan(), '--attempts', '2', '--max-wait', '6s', *PLAIN)
        seen = watch(bench, process)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 14, '%d: %s' % (process.returncode, err)
        assert 'waiting for server' in ''.join(seen), seen
        result = json.loads(out)
        assert result['reason'] == 'server' and result['counts']['archived'] == 0, result
        assert len(bench.sandbox.mutations()) == 5, len(bench.sandbox.mutations())
        assert result['counts']['in_doubt'] == 5 and result['counts']['pending'] == 3, result
        bench.sandbox.answer = lambda api, request: None
        bench.expect(0, 'resume', result['batch'], '--settle', '300ms', *PLAIN)
        bench.compare()


def before_the_first():
    """5xx to the identity: an outage, nothing is planned away."""
    with Bench(Api(answer=lambda api, request: reply(503, b'down'))) as bench:
        plan = bench.plan()
        _, err = bench.run(plan, '--max-wait', '2s', status=14)
        assert '503' in err and bench.status(plan)['state'] == 'stored', err


def after_the_effect():
    with World('--runs', '6', '--fault', '500-after@all') as world:
        got, out, err = world.call('run', world.plan(), '--settle', '300ms', *PLAIN)
        assert got == 0, err
        assert counts(json.loads(out)) == {'archived': 6}
        assert evidence(world) == {('archived', 'probe'): 6}
        assert len(world.sandbox.mutations()) == 6
        world.compare()


def with_retry_after():
    """A 5xx with Retry-After: the probe waits for that long."""
    times = []

    def answer(api, request):
        if request.run != api.ids[1]:
            return None
        times.append(time.monotonic())
        if len(times) > 1:
            return None
        api.effect(request)
        return reply(503, b'down', 'Retry-After: 2')

    with Bench(Api(answer=answer)) as bench:
        check(bench, bench.plan(), {'archived': 6})
        assert times[1] - times[0] >= 1.9, times


def own_windows():
    """The exact sliding window: never more than asked for in any five seconds, reads too."""
    times = []

    def answer(api, request):
        times.append(time.monotonic())
        return None

    with Bench(Api(runs=9, answer=answer)) as bench:
        bench.expect(0, 'run', bench.plan(), '--rate', '4/3s', '--progress', 'none')
        for at in range(len(times) - 4):
            assert times[at + 4] - times[at] >= 2.9, times
        assert len(times) == 12


CASES = [
    ('429 costs no attempt', costs_no_attempt),
    ('429 storm', storm),
    ('429 longer than --max-wait', leave_now),
    ('429 binds others', binds_others),
    ('429 binds a living process', binds_a_living_one),
    ('429 to a probe', binds_reads),
    ('429 to the first request', first_request),
    ('429 without a usable header', no_hot_loop),
    ('5xx flapping', flapping),
    ('5xx on everything', maintenance),
    ('5xx before the first', before_the_first),
    ('500 after the effect', after_the_effect),
    ('503 with Retry-After', with_retry_after),
    ('own windows', own_windows),
] + [('429 ' + (', '.join(headers) or 'without a header'),
      lambda headers=headers, fits=fits: retry_after(headers, fits))
     for headers, fits in RETRY_AFTER]

if __name__ == '__main__':
    main(CASES, 6)
