import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { mutantsOf, type Mutant } from './mutants.ts';
import {
  aboutAlert,
  promtoolMissing,
  promtoolObjection,
  readRules,
  readTests,
  withSources,
  type PromtoolTest,
  type Rule,
} from './promtool.ts';
import { recordTests, thresholdTests } from './thresholds.ts';

const rules = readRules();
const courses = readTests();

test('each limit is kept to both sides', { skip: promtoolMissing }, async () =>
  assert.equal(
    await promtoolObjection(
      rules.filter(({ record }) => !ofObjectives(record)),
      thresholdTests(),
    ),
    null,
  ),
);

test('each recorded share is that of its window and of the calls that count', { skip: promtoolMissing }, async () =>
  assert.equal(
    await promtoolObjection(
      rules.filter(({ record }) => ofObjectives(record)),
      recordTests(),
    ),
    null,
  ),
);

test('no mistake in a rule escapes its tests', { skip: promtoolMissing }, async (t) => {
  const mutants = rules.flatMap(mutantsOf);
  assert.ok(mutants.length > 200);
  const left = mutants.values();
  const escaped: string[] = [];
  const hunt = async () => {
    for (const mutant of left)
      if (!(await isSeen(mutant))) escaped.push(`${mutant.rule.record ?? mutant.rule.alert}: ${mutant.what}`);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, hunt));
  t.diagnostic(`${mutants.length} mistakes`);
  assert.deepEqual(escaped.sort(), []);
});

/** The quick tests first: most mistakes are seen by one of them. */
async function isSeen({ rule }: Mutant): Promise<boolean> {
  const name = rule.record ?? rule.alert ?? '';
  const changed = rules.map((one) => ((one.record ?? one.alert) === name ? rule : one));
  if (ofObjectives(rule.record))
    return (
      (await promtoolObjection(
        [rule],
        recordTests().map((one) => onlyOf(name, one)),
      )) !== null
    );
  const alerts = rule.record ? rules.filter(({ alert, expr }) => alert && expr.includes(name)) : [rule];
  for (const tests of [thresholdTests(), courses]) {
    for (const { alert = '' } of alerts) {
      const own = tests.flatMap((one) => aboutAlert(alert, one));
      const needed = withSources(alert, changed).filter(({ record }) => tests === courses || !ofObjectives(record));
      if (own.length > 0 && (await promtoolObjection(needed, own)) !== null) return true;
    }
  }
  return false;
}

function onlyOf(record: string, one: PromtoolTest): PromtoolTest {
  return {
    ...one,
    promql_expr_test:
      one.promql_expr_test?.filter(({ expr }) => expr.endsWith(`facepass:${record.replace('facepass:', '')})`)) ?? [],
  };
}

function ofObjectives(record: Rule['record']): boolean {
  return /^facepass:(requests|request_errors|searches|slow_searches):/.test(record ?? '');
}
