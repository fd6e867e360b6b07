import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { aboutAlert, promtoolMissing, promtoolObjection, readRules, readTests, withSources } from './promtool.ts';

const root = join(import.meta.dirname, '..');
const rules = readYaml<{ groups: { name: string; rules: Rule[] }[] }>('alerts/facepass.rules.yaml').groups.flatMap(
  (group) => group.rules,
);
const alerts = rules.filter((rule): rule is Alert => rule.alert !== undefined);
const tests = readTests();

test('promtool accepts the rules', { skip: promtoolMissing }, () =>
  promtool('check', 'rules', 'alerts/facepass.rules.yaml'),
);

test('every alert keeps to its times', { skip: promtoolMissing }, async () => {
  // Each by itself with what it reads: all rules on all tests took two minutes of a busy machine.
  for (const { alert } of alerts)
    assert.equal(
      await promtoolObjection(
        withSources(alert, readRules()),
        tests.flatMap((one) => aboutAlert(alert, one)),
      ),
      null,
      alert,
    );
});

test('every alert is tested both ways', () => {
  const checks = tests.flatMap((one) => one.alert_rule_test ?? []);
  assert.deepEqual(
    checks.filter(({ alertname }) => !alerts.some(({ alert }) => alert === alertname)),
    [],
    'tests of no alert',
  );
  for (const { alert } of alerts) {
    const own = checks.filter(({ alertname }) => alertname === alert);
    const firing = own.findIndex(({ exp_alerts }) => exp_alerts.length > 0);
    assert.ok(firing > 0, `${alert}: no test has it silent and then firing`);
    assert.ok(
      own.slice(firing + 1).some(({ exp_alerts }) => exp_alerts.length === 0),
      `${alert}: no test has it clearing`,
    );
    for (const { exp_alerts } of own)
      for (const { exp_annotations } of exp_alerts)
        assert.ok(exp_annotations?.description, `${alert}: its words are not tested`);
  }
});

test('every alert has a severity, a summary that is the same each time, a description of this time and a runbook', () => {
  for (const { alert, labels, annotations } of alerts) {
    assert.match(alert, /^Facepass[A-Z]/);
    assert.match(labels.severity, /^(critical|warning)$/, alert);
    assert.match(annotations.summary, /^[A-Z][^{}]*\.$/, alert);
    assert.match(annotations.description, /\{\{.*\}\}/s, alert);
    assert.equal(annotations.runbook_url, `https://github.com/facepass/facepass/blob/main/docs/runbooks/${alert}.md`);
  }
});

test('every alert has a runbook with its four parts, and every runbook an alert', () => {
  const runbooks = globSync('docs/runbooks/*.md', { cwd: root }).map((path) => basename(path, '.md'));
  assert.deepEqual(runbooks.toSorted(), alerts.map(({ alert }) => alert).toSorted());
  for (const { alert, labels, annotations } of alerts) {
    const text = readFileSync(join(root, `docs/runbooks/${alert}.md`), 'utf8');
    assert.deepEqual(
      text.match(/^##? .*$/gm)?.slice(0, 5),
      [`# ${alert}`, '## Meaning', '## Impact', '## Diagnosis', '## Mitigation'],
      alert,
    );
    assert.ok(text.includes(annotations.summary), `${alert}: the runbook does not repeat the summary`);
    assert.ok(text.includes(`\`${labels.severity}\``), `${alert}: the runbook says another severity`);
    assert.match(text, /^## Diagnosis\n[\s\S]*```sh\n[\s\S]*^## Mitigation/m, `${alert}: no commands`);
  }
});

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: root, encoding: 'utf8' });
  assert.equal(status, 0, `${stdout}${stderr}`);
}

function readYaml<Document>(path: string): Document {
  return parse(readFileSync(join(root, path), 'utf8')) as Document;
}

interface Rule {
  record?: string;
  alert?: string;
  expr: string;
}

interface Alert extends Rule {
  alert: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
}
