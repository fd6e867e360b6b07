import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { readRules } from './promtool.ts';

const path = join(import.meta.dirname, 'alertmanager.example.yaml');
const { inhibit_rules: inhibitions } = parse(readFileSync(path, 'utf8')) as { inhibit_rules: Inhibition[] };
const known = readRules().flatMap(({ alert }) => alert ?? []);
const amtoolMissing =
  spawnSync('amtool', ['--version']).error && 'amtool is not on the PATH (Debian: prometheus-alertmanager)';

test('Alertmanager accepts the example', { skip: amtoolMissing }, () => {
  const { status, stdout, stderr } = spawnSync('amtool', ['check-config', path], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
});

test('every alert that the example names is one of ours', () => {
  const named = inhibitions
    .flatMap(({ source_matchers, target_matchers }) => [...source_matchers, ...target_matchers])
    .flatMap((matcher) => /^alertname=~?"(.*)"$/.exec(matcher)?.[1]!.split('|') ?? []);
  assert.ok(named.length > 10);
  assert.deepEqual(
    named.filter((name) => !known.includes(name)),
    [],
  );
});

test('a fault that fires several alerts wakes somebody once', () => {
  const photos = { namespace: 'photos' };
  const inference = { ...photos, alertname: 'FacepassInferenceDown', revision: 'blue' };
  const absent = { ...photos, alertname: 'FacepassTelemetryAbsent', revision: 'blue', job: 'facepass-inference' };
  const burn = { ...photos, alertname: 'FacepassErrorBudgetBurnFast' };
  assert.deepEqual(leftOf([inference, absent, burn, { ...photos, alertname: 'FacepassErrorBudgetBurnSlow' }]), [
    inference,
  ]);
  assert.deepEqual(leftOf([burn, { ...photos, alertname: 'FacepassErrorBudgetBurnSlow' }]), [burn]);
});

test('what is another fault is still told', () => {
  const inference = { namespace: 'photos', alertname: 'FacepassInferenceDown', revision: 'blue' };
  const others: Labels[] = [
    { namespace: 'photos', alertname: 'FacepassTelemetryAbsent', revision: 'blue', job: 'facepass-api' },
    { namespace: 'photos', alertname: 'FacepassTelemetryAbsent', revision: 'green', job: 'facepass-inference' },
    { namespace: 'photos', alertname: 'FacepassApiNotReady', revision: 'blue' },
    { namespace: 'staging', alertname: 'FacepassErrorBudgetBurnFast' },
  ];
  assert.deepEqual(leftOf([inference, ...others]), [inference, ...others]);
});

/** The alerts that no other one inhibits, as Alertmanager decides it; a label that both lack is equal. */
function leftOf(firing: Labels[]): Labels[] {
  const inhibits = (source: Labels, target: Labels) =>
    inhibitions.some(
      ({ source_matchers, target_matchers, equal }) =>
        source !== target &&
        matches(source, source_matchers) &&
        matches(target, target_matchers) &&
        equal.every((label) => source[label] === target[label]),
    );
  return firing.filter((target) => !firing.some((source) => inhibits(source, target)));
}

function matches(labels: Labels, matchers: string[]): boolean {
  return matchers.every((matcher) => {
    const [, label = '', pattern = ''] = /^(\w+)=~?"(.*)"$/.exec(matcher) ?? [];
    return new RegExp(`^(${pattern})$`).test(labels[label] ?? '');
  });
}

type Labels = Record<string, string>;

interface Inhibition {
  source_matchers: string[];
  target_matchers: string[];
  equal: string[];
}
