import assert from 'node:assert/strict';
import { until } from '../../../../charts/tests/cluster.ts';
import {
  panelExpressions,
  ruleExpressions,
  withoutLimits,
  type Expression,
} from '../../../../dashboards/source/expressions.ts';
import { good } from './candidates.ts';
import type { Scenario } from './operator.test.ts';
import { NAMESPACE, type Stage } from './stage.ts';
import { followStory } from './story.ts';

const OF_THE_OPERATOR = /\bfacepass_operator_\w+|job="facepass-operator"/;

export function telemetryTests(scenario: Scenario): void {
  scenario(
    'every query of the dashboards and rules about the operator has data while a release goes on',
    async (stage, report) => {
      using story = await followStory(stage.kubernetes);
      await using load = stage.load();
      await stage.release(
        good('watched'),
        `--set-json 'release.traffic.steps=[{"weight":50,"hold":"40s"},{"weight":100,"hold":"4s"}]'`,
      );
      await story.reaches('50 %', 120, ({ weight }) => weight === 50);
      const expressions = [...panelExpressions('10s'), ...ruleExpressions().map(withoutLimits)].filter(
        ({ expr }) => OF_THE_OPERATOR.test(expr) && !/\bkube_/.test(expr),
      );
      assert.ok(expressions.length >= 10, `only ${expressions.length}`);
      let empty: Expression[] = expressions;
      await until('data', 40, async () => {
        const looked = await Promise.all(empty.map(async (one) => ((await hasData(stage, one.expr)) ? [] : [one])));
        empty = looked.flat();
        return empty.length === 0;
      }).catch(() => undefined);
      assert.deepEqual(
        empty.map(({ place, expr }) => `${place}: ${expr.replaceAll(/\s+/g, ' ')}`),
        [],
      );
      report(`${expressions.length} queries`);
      await story.reaches('the release is over', 120, ({ phase }) => phase === 'Stable');
      await load.stop();
    },
    { inCore: false },
  );
}

async function hasData({ kubernetes }: Stage, expr: string): Promise<boolean> {
  const path = `/api/v1/namespaces/${NAMESPACE}/services/prometheus:9090/proxy/api/v1/query?query=${encodeURIComponent(expr)}`;
  const { data } = await kubernetes.read<{ data: { result: { value: [number, string] }[] } }>(path);
  return data.result.some(({ value }) => !Number.isNaN(Number(value[1])));
}
