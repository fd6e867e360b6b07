import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigurationError } from '@facepass/runtime/environment';
import { readConfig } from '../config.ts';
import { millisecondsOf } from './duration.ts';
import type { Gate } from '@facepass/contracts/facepass';
import { fillQuery, judgeGate } from './gates.ts';
import { covers } from '../objects/apply.ts';
import { createMeter, parseReading, QUIET_MS } from '../observe/pod-counters.ts';
import { revisionNameOf } from '../objects/revision.ts';
import { judgeShare } from './share.ts';

const seed = Number(process.env['FACEPASS_TEST_SEED'] ?? Date.now() % 2 ** 31);
console.log(`seed ${seed} (FACEPASS_TEST_SEED repeats it)`);
const SHARE = { tolerance: 5, minRequests: 300, deadline: '5m' };
const GATE: Gate = { name: 'errors', query: 'q', max: 0.01, minSamples: 100, noData: 'Hold', noDataDeadline: '30m' };

test('only a number from enough samples passes or fails', () => {
  const judge = (gate: Partial<Gate>, measured: Parameters<typeof judgeGate>[1]) =>
    judgeGate({ ...GATE, ...gate }, measured, 'q', '').result;
  assert.equal(judge({}, { value: 0.01, samples: 100 }), 'pass');
  assert.equal(judge({}, { value: 0.011, samples: 100 }), 'fail');
  assert.equal(judge({}, { value: 1, samples: 99 }), 'hold', 'a few failures of few requests');
  assert.equal(judge({}, { value: 'no data', samples: 1000 }), 'hold');
  assert.equal(judge({}, { value: 0, samples: 'Prometheus does not answer' }), 'hold');
  assert.equal(judge({ minSamples: 0 }, { value: 0, samples: 'not asked' }), 'pass');
  const ratio = { max: undefined, maxRatioToActive: 1.5 };
  assert.equal(judge(ratio, { value: 0.3, samples: 100, active: 0.2 }), 'pass');
  assert.equal(judge(ratio, { value: 0.31, samples: 100, active: 0.2 }), 'fail');
  assert.equal(judge(ratio, { value: 0.3, samples: 100, active: 'no data' }), 'hold');
});

test('fills known variables in a query and keeps the rest', () => {
  assert.equal(
    fillQuery('rate(x{revision="$revision",other="$unknown"}[$window])', { revision: 'abc', window: '30s' }),
    'rate(x{revision="abc",other="$unknown"}[30s])',
  );
});

test('judges a gateway that ignores weights as off, and one that honours them as near', () => {
  const count = (desired: number, actual: number, total: number, random: () => number) => {
    let candidate = 0;
    for (let one = 0; one < total; one += 1) if (random() < actual / 100) candidate += 1;
    return judgeShare(desired, { candidate, total }, SHARE).result;
  };
  fc.assert(
    fc.property(
      fc.constantFrom(10, 50, 90),
      fc.integer({ min: 30, max: 2000 }),
      fc.integer({ min: 1, max: 2 ** 31 - 2 }),
      (desired, total, start) => {
        const random = uniform(start);
        assert.notEqual(count(desired, desired, total, random), 'off');
        if (desired !== 50 && total >= 300) assert.equal(count(desired, 50, total, random), 'off');
      },
    ),
    { seed, numRuns: 60 },
  );
});

test('does not judge without requests, unless none are required', () => {
  assert.equal(judgeShare(10, { candidate: 0, total: 0 }, SHARE).result, 'few');
  assert.equal(judgeShare(10, null, SHARE).result, 'few');
  assert.equal(judgeShare(10, { candidate: 0, total: 0 }, { ...SHARE, minRequests: 0 }).result, 'near');
  assert.equal(judgeShare(10, { candidate: 0, total: 1000 }, SHARE).result, 'off', 'everybody passes the candidate by');
  assert.equal(judgeShare(10, { candidate: 10, total: 100 }, SHARE).result, 'few');
});

test('names a revision by its content, not by the order of its keys', () => {
  const name = revisionNameOf({
    api: { metadata: { labels: { a: '1', b: '2' } }, spec: { containers: [{ name: 'api', image: 'one' }] } },
  });
  assert.match(name, /^[0-9a-f]{8}$/);
  assert.equal(
    revisionNameOf({
      api: { spec: { containers: [{ image: 'one', name: 'api' }] }, metadata: { labels: { b: '2', a: '1' } } },
    }),
    name,
  );
  assert.notEqual(
    revisionNameOf({
      api: { metadata: { labels: { a: '1', b: '2' } }, spec: { containers: [{ name: 'api', image: 'two' }] } },
    }),
    name,
  );
});

test('parses durations of the resource', () => {
  assert.deepEqual(['90s', '5m', '1h30m', '2h', '0s'].map(millisecondsOf), [90_000, 300_000, 5_400_000, 7_200_000, 0]);
  for (const wrong of ['', '5', '1d', '5m1h', '-5m']) assert.throws(() => millisecondsOf(wrong), RangeError);
});

test('reads a pod’s counters from its metrics', () => {
  const text = `# HELP x
http_server_request_duration_seconds_count{route="/api/v1/search",method="POST",status="200"} 7
http_server_request_duration_seconds_count{method="GET",route="/api/v1/search/status/:session_id",status="404"} 3
http_server_request_duration_seconds_count{route="/health",method="GET",status="200"} 100
http_server_request_duration_seconds_bucket{route="/api/v1/search",le="1"} 7
facepass_schema_version 3
facepass_schema_fits 0
`;
  assert.deepEqual(parseReading(text), { requests: 10, schemaVersion: 3, schemaFits: false });
  assert.deepEqual(parseReading(''), { requests: 0 });
});

test('the meter counts increments across restarts of containers and pods', () => {
  const meter = createMeter();
  const take = (epoch: string | null, now: number, ...pods: [uid: string, revision: string, requests: number][]) =>
    meter.take(
      pods.map(([uid, revision, requests]) => ({ uid, revision, requests })),
      epoch,
      now,
    );
  take(null, 0, ['a', 'blue', 1000]);
  take('one', 1000, ['a', 'blue', 1100], ['b', 'green', 5]);
  assert.deepEqual(
    meter.counted('blue', 'green'),
    { candidate: 0, total: 0 },
    'what came before the epoch does not count',
  );
  take('one', 2000, ['a', 'blue', 1190], ['b', 'green', 15]);
  assert.deepEqual(meter.counted('blue', 'green'), { candidate: 10, total: 100 });
  take('one', 3000, ['a', 'blue', 20], ['c', 'green', 4]);
  assert.deepEqual(meter.counted('blue', 'green'), { candidate: 14, total: 124 });
  assert.equal(meter.isQuiet('green', 3000 + QUIET_MS - 1), false);
  take('two', 3000 + QUIET_MS, ['a', 'blue', 30], ['c', 'green', 4]);
  assert.equal(meter.isQuiet('green', 3000 + QUIET_MS), true);
  assert.equal(meter.isQuiet('blue', 3000 + QUIET_MS), false);
  assert.equal(meter.isQuiet('unknown', 10_000), false, 'what was never read is not known to be quiet');
});

test('an object covers the desired fields even with additional ones', () => {
  assert.ok(covers({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ c: 2 }] }));
  assert.ok(!covers({ b: [{ c: 2 }, { c: 3 }] }, { b: [{ c: 2 }] }), 'a longer list is another list');
  assert.ok(!covers({ a: 1 }, { a: '1' }));
  assert.ok(covers({}, { a: undefined, e: {} }));
  assert.ok(!covers({}, { e: { f: 1 } }));
});

test('reports every invalid setting', () => {
  assert.deepEqual(readConfig({ POD_NAMESPACE: 'ops', OPERATOR_NAMESPACES: 'a, b,a' }).namespaces, ['a', 'b']);
  assert.equal(readConfig({ POD_NAMESPACE: 'ops', OPERATOR_NAMESPACES: '*' }).namespaces, null);
  assert.deepEqual(readConfig({ POD_NAMESPACE: 'ops' }).namespaces, ['ops']);
  assert.throws(() => readConfig({}), /POD_NAMESPACE/);
  assert.throws(
    () => readConfig({ POD_NAMESPACE: 'ops', LEASE_DURATION_MS: '12000' }),
    (error: ConfigurationError) => error.exitCode === 78 && /LEASE_DURATION_MS/.test(error.message),
  );
});

/** Lehmer's generator: fast-check's doubles are not spread evenly. */
function uniform(start: number): () => number {
  let state = start;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
