import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { PHASES } from '@facepass/contracts/facepass';
import { panelExpressions } from './source/expressions.ts';

const root = join(import.meta.dirname, '..');
const dashboards = globSync('dashboards/*.json', { cwd: root }).map((path) => ({
  name: basename(path, '.json'),
  json: JSON.parse(readFileSync(join(root, path), 'utf8')),
}));
const panels = dashboards.flatMap(({ name, json }) =>
  json.panels.map((panel: Panel) => ({ ...panel, place: `${name} / ${panel.title}` })),
);
const drawn: (Panel & { place: string })[] = panels.filter(({ type }) => type !== 'row');
const promtoolMissing =
  spawnSync('promtool', ['--version']).error && 'promtool is not on the PATH (Debian: prometheus)';

test('there are three dashboards, with fixed ids, that cannot be edited by accident', () => {
  assert.deepEqual(dashboards.map(({ name, json }) => [name, json.uid]).sort(), [
    ['inference', 'facepass-inference'],
    ['release', 'facepass-release'],
    ['service', 'facepass-service'],
  ]);
  for (const { json } of dashboards) {
    assert.equal(json.editable, false);
    assert.ok(json.title && json.description);
    assert.deepEqual(
      json.templating.list.map(({ name }: { name: string }) => name),
      ['datasource', 'namespace'],
    );
    assert.ok(
      json.links.some(
        ({ type, tags }: { type: string; tags?: string[] }) => type === 'dashboards' && json.tags.includes(tags?.[0]),
      ),
      'no links to the other dashboards',
    );
  }
});

test('every panel has a title, a description, a unit, a place of its own and the data source of the variable', () => {
  assert.ok(drawn.length > 40);
  for (const { name, json } of dashboards)
    assert.equal(new Set(json.panels.map(({ id }: Panel) => id)).size, json.panels.length, name);
  for (const panel of drawn) {
    assert.ok(panel.title && panel.description.length > 20, panel.place);
    assert.ok(panel.fieldConfig.defaults.unit, `${panel.place} has no unit`);
    for (const { uid } of [panel.datasource, ...panel.targets.map(({ datasource }) => datasource)])
      assert.equal(uid, '${datasource}', panel.place);
    assert.ok(panel.gridPos.x + panel.gridPos.w <= 24, panel.place);
  }
  for (const { name, json } of dashboards) assertNoOverlap(name, json.panels);
});

test('rates use $__rate_interval; only a window that is part of the meaning is written out', () => {
  for (const { place, targets } of drawn) {
    for (const { expr } of targets) {
      for (const [, call, window] of expr.matchAll(/\b(rate|increase|changes)\([^[]*\[([^\]]+)\]/g)) {
        if (call === 'rate') assert.equal(window, '$__rate_interval', place);
        else assert.equal(window, '1h', place);
      }
    }
  }
});

test('every query keeps to the namespace chosen, but for the operator’s own state and the list of alerts', () => {
  for (const { place, targets } of drawn) {
    for (const { expr } of targets) {
      const selectors = expr.match(/\{[^}]*\}/g) ?? [];
      assert.ok(selectors.length > 0, place);
      for (const selector of selectors)
        assert.match(selector, /namespace=~"\$namespace"|job="facepass-operator"|alertstate="firing"/, place);
    }
  }
});

test('every link to a runbook leads to one', () => {
  const runbooks = globSync('docs/runbooks/*.md', { cwd: root }).map((path) => basename(path));
  const linked = drawn.flatMap(({ links = [] }) => links.map(({ url }) => url)).filter((url) => url.endsWith('.md'));
  assert.ok(linked.length > 10);
  assert.deepEqual(
    linked.filter((url) => !runbooks.includes(basename(url))),
    [],
  );
});

test('Prometheus can parse every query', { skip: promtoolMissing }, () => {
  const path = join(mkdtempSync(join(tmpdir(), 'facepass-')), 'queries.yaml');
  const rules = panelExpressions('1m').map(({ expr, place }, index) => ({
    record: `query_${index}`,
    expr,
    labels: { place },
  }));
  writeFileSync(path, stringify({ groups: [{ name: 'dashboards', rules }] }));
  const { status, stderr } = spawnSync('promtool', ['check', 'rules', path], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test(
  'ready, busy and full describe the pair with the traffic, beside an idle one, and when it is gone',
  { skip: promtoolMissing },
  () => {
    const of = (metric: string, revision: string, values: string) => ({
      series: `facepass_inference_${metric}{job="facepass-inference",namespace="photos",revision="${revision}"}`,
      values,
    });
    const input_series = [
      { series: 'facepass:revision_weight:ratio{namespace="photos",revision="green"}', values: '1x10' },
      ...['workers_ready', 'in_flight', 'queue_depth', 'queue_capacity'].map((metric) =>
        of(metric, 'green', '4x5 stale'),
      ),
      ...['workers_ready', 'queue_capacity'].map((metric) => of(metric, 'blue', '4x10')),
      ...['in_flight', 'queue_depth'].map((metric) => of(metric, 'blue', '0x10')),
    ];
    const values = { 'Workers ready': [4, 0], 'Workers busy': [1], 'Queue filled': [1] };
    const promql_expr_test = panelExpressions('1m').flatMap(({ place, expr }) => {
      const expected = Object.entries(values).find(([title]) => place === `inference / ${title}`)?.[1] ?? [];
      return expected.map((value, index) => ({
        expr,
        eval_time: `${index * 8 + 2}m`,
        exp_samples: [{ labels: '{namespace="photos",revision="green"}', value }],
      }));
    });
    assert.equal(promql_expr_test.length, 4);
    promtoolAgrees(input_series, promql_expr_test);
  },
);

test('the phase of a release is one line with its name, from each phase to the next', { skip: promtoolMissing }, () => {
  const panel = drawn.find(({ place }) => place === 'release / Phase')!;
  const [{ options }] = panel.fieldConfig.defaults.mappings as [{ options: Record<string, { text: string }> }];
  assert.deepEqual(
    Object.values(options).map(({ text }) => text),
    [...PHASES],
  );
  // In the minute of its number each phase is the present one, as the operator tells it.
  const input_series = PHASES.map((phase, index) => ({
    series: `facepass_operator_release_phase{namespace="photos",name="faces",phase="${phase}"}`,
    values: PHASES.map((_, minute) => Number(minute === index)).join(' '),
  }));
  const { expr } = panelExpressions('1m').find(({ place }) => place === 'release / Phase')!;
  const promql_expr_test = PHASES.map((_, minute) => ({
    expr,
    eval_time: `${minute}m`,
    exp_samples: [{ labels: '{namespace="photos",name="faces"}', value: minute }],
  }));
  promtoolAgrees(input_series, promql_expr_test);
});

test('what is left of a budget ends at -100 %, however much was used', { skip: promtoolMissing }, () => {
  const input_series = ['request_errors', 'requests', 'slow_searches', 'searches'].map((record) => ({
    series: `facepass:${record}:increase1h{namespace="photos"}`,
    values: '100x60',
  }));
  const left = panelExpressions('1m').filter(({ place }) => place.endsWith('budget left'));
  assert.equal(left.length, 2);
  promtoolAgrees(
    input_series,
    left.map(({ expr }) => ({ expr, eval_time: '60m', exp_samples: [{ labels: '{}', value: -1 }] })),
  );
});

test('the name of a firing alert leads to its runbook', () => {
  const [{ matcher, properties }] = drawn.find(({ place }) => place === 'service / Firing alerts')!.fieldConfig
    .overrides as [{ matcher: object; properties: { id: string; value: { url: string }[] }[] }];
  assert.deepEqual(matcher, { id: 'byName', options: 'alertname' });
  const [link] = properties.find(({ id }) => id === 'links')!.value;
  const runbooks = globSync('docs/runbooks/*.md', { cwd: root });
  for (const path of runbooks)
    assert.ok(link!.url.replace('${__value.raw}', basename(path, '.md')).endsWith(path), path);
});

/** Runs promtool's test of expressions on series of one sample a minute. */
function promtoolAgrees(input_series: object[], promql_expr_test: object[]): void {
  const path = join(mkdtempSync(join(tmpdir(), 'facepass-')), 'tests.yaml');
  writeFileSync(path, stringify({ tests: [{ interval: '1m', input_series, promql_expr_test }] }));
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', path], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
}

function assertNoOverlap(name: string, all: Panel[]): void {
  const cells = new Map<string, string>();
  for (const { title, gridPos } of all) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        assert.equal(cells.get(`${x} ${y}`), undefined, `${name}: ${title} lies upon ${cells.get(`${x} ${y}`)}`);
        cells.set(`${x} ${y}`, title);
      }
    }
  }
}

interface Panel {
  id: number;
  type: string;
  title: string;
  description: string;
  datasource: { uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig: { defaults: { unit?: string; mappings?: object[] }; overrides: object[] };
  links?: { url: string }[];
  targets: { expr: string; datasource: { uid: string } }[];
}
