import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { Counter, Histogram } from 'prom-client';
import { createRegistry, exposition } from './exposition.ts';

const registry = createRegistry();
new Counter({ name: 'paintings_total', help: 'Paintings hung.', labelNames: ['wall'], registers: [registry] }).inc(
  { wall: 'north' },
  3,
);
new Histogram({
  name: 'drying_seconds',
  help: 'Time to dry.',
  buckets: [1],
  registers: [registry],
  enableExemplars: true,
}).observe({ value: 0.5, exemplarLabels: { trace_id: 'a1' } });

test('Prometheus gets OpenMetrics with exemplars', async () => {
  const { contentType, body } = await exposition(
    registry,
    'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
  );
  assert.match(contentType, /^application\/openmetrics-text/);
  assert.match(body, /^# TYPE paintings counter\npaintings_total\{wall="north"\} 3$/m);
  assert.match(body, /^drying_seconds_bucket\{le="1"\} 1 # \{trace_id="a1"\} 0.5 /m);
  assert.ok(body.endsWith('# EOF\n'));
});

test('everybody else gets the older text format with the same samples', async () => {
  const { contentType, body } = await exposition(registry, '*/*');
  assert.match(contentType, /^text\/plain; version=0.0.4/);
  assert.match(
    body,
    /^# HELP paintings_total Paintings hung.\n# TYPE paintings_total counter\npaintings_total\{wall="north"\} 3$/m,
  );
  assert.match(body, /^drying_seconds_bucket\{le="1"\} 1$/m);
  assert.doesNotMatch(body, /EOF|trace_id/);
});

test(
  'promtool reads the older format and finds nothing to object to',
  { skip: spawnSync('promtool', ['--version']).error && 'promtool is not on the PATH' },
  async () => {
    const { body } = await exposition(registry, undefined);
    const promtool = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'inherit', 'inherit'] });
    promtool.stdin.end(body);
    assert.deepEqual(await once(promtool, 'exit'), [0, null]);
  },
);
