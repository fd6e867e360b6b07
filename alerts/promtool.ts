import { execFile, spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

const root = join(import.meta.dirname, '..');

/** Why promtool's tests cannot run here, or false. */
export const promtoolMissing = spawnSync('promtool', ['--version']).error
  ? 'promtool is not on the PATH (Debian: prometheus)'
  : false;

export interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  for?: string;
}

/** One test of promtool, with the interval at which rules are evaluated in it. */
export interface PromtoolTest {
  evaluation_interval: string;
  interval: string;
  input_series: { series: string; values: string }[];
  alert_rule_test?: {
    eval_time: string;
    alertname: string;
    exp_alerts: { exp_annotations?: Record<string, string> }[];
  }[];
  promql_expr_test?: { expr: string; eval_time: string; exp_samples: { labels: string; value: number }[] }[];
}

/** The rules of alerts/ in the order in which they are evaluated. */
export function readRules(): Rule[] {
  const { groups } = parse(readFileSync(join(root, 'alerts/facepass.rules.yaml'), 'utf8')) as {
    groups: { rules: Rule[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}

/** The tests of alerts/tests/. */
export function readTests(): PromtoolTest[] {
  return globSync('alerts/tests/*.yaml', { cwd: root })
    .sort()
    .flatMap((path) => {
      const { evaluation_interval, tests } = parse(readFileSync(join(root, path), 'utf8')) as {
        evaluation_interval: string;
        tests: PromtoolTest[];
      };
      return tests.map((one) => ({ ...one, evaluation_interval }));
    });
}

/** The rule `name` and those that it reads. */
export function withSources(name: string, rules: Rule[]): Rule[] {
  const wanted = new Set([name]);
  for (const { record, alert, expr } of rules.toReversed()) {
    if (!wanted.has(record ?? alert ?? '')) continue;
    for (const [source] of expr.matchAll(/\bfacepass:[\w:]+/g)) wanted.add(source);
  }
  return rules.filter(({ record, alert }) => wanted.has(record ?? alert ?? ''));
}

/** What of a test is about `alert`, or nothing. */
export function aboutAlert(alert: string, test: PromtoolTest): PromtoolTest[] {
  const alert_rule_test = (test.alert_rule_test ?? []).filter(({ alertname }) => alertname === alert);
  const promql_expr_test = (test.promql_expr_test ?? []).filter(({ expr }) => expr.includes(`"${alert}"`));
  return alert_rule_test.length + promql_expr_test.length > 0 ? [{ ...test, alert_rule_test, promql_expr_test }] : [];
}

/** Runs the tests on the rules; what promtool says against them, or null. */
export async function promtoolObjection(rules: Rule[], tests: PromtoolTest[]): Promise<string | null> {
  const directory = await mkdtemp(join(tmpdir(), 'facepass-rules-'));
  try {
    await writeFile(join(directory, 'rules.yaml'), stringify({ groups: [{ name: 'facepass', rules }] }));
    const files = Object.entries(Object.groupBy(tests, ({ evaluation_interval }) => evaluation_interval)).map(
      async ([evaluation_interval, own = []]) => {
        const path = join(directory, `${evaluation_interval}.test.yaml`);
        await writeFile(
          path,
          stringify({
            rule_files: ['rules.yaml'],
            evaluation_interval,
            tests: own.map(({ evaluation_interval: _, ...one }) => one),
          }),
        );
        return path;
      },
    );
    return await run('promtool', ['test', 'rules', ...(await Promise.all(files))]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function run(command: string, args: string[]): Promise<string | null> {
  return new Promise((resolve) =>
    execFile(command, args, { maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      resolve(error ? `${stdout}${stderr}` : null),
    ),
  );
}
