import assert from 'node:assert/strict';
import { until } from '../../../../charts/tests/cluster.ts';
import { good } from './candidates.ts';
import type { Scenario } from './operator.test.ts';
import { objectsOfReleases } from './objects.ts';
import { shareOf } from './shares.ts';
import { assertWeightsOnlyRise, followStory, tell } from './story.ts';

/** Points; 1,500 requests at 50 % differ by chance by more than 4 once in a thousand times. */
const TOLERANCE = 0.05;

export function shiftTests(scenario: Scenario): void {
  scenario(
    'a good release goes 10, 50, 100 without a failed request, and the shares are the desired ones',
    async (stage, report) => {
      using story = await followStory(stage.kubernetes);
      const active = story.status().active.revision;
      await using load = stage.load();
      await until('load is on', 30, async () => load.answered > 100);
      const steps = '[{"weight":10,"hold":"35s"},{"weight":50,"hold":"35s"},{"weight":100,"hold":"5s"}]';
      await stage.release(good('shares'), `--set-json 'release.traffic.steps=${steps}'`);
      const { candidate } = await story.reaches('a candidate', 30, (status) => status.candidate !== undefined);
      for (const weight of [10, 50]) {
        await story.reaches(`${weight} %`, 120, (status) => status.weight === weight);
        const share = await shareOf(stage.kubernetes, candidate!.revision, 1500);
        assert.equal(story.status().weight, weight, 'measured within the step');
        report(`${weight} %: measured ${(share * 100).toFixed(1)} % of 1,500 requests`);
        assert.ok(Math.abs(share - weight / 100) <= TOLERANCE, `${share} instead of ${weight} %`);
      }
      await story.reaches(
        'the release is over',
        120,
        (status) => status.phase === 'Stable' && status.active.revision === candidate!.revision,
      );
      await load.stop();
      report(tell(story.chapters));
      report(
        `${load.answered} answered, ${load.failures.length} failed; p50 ${load.quantile(0.5)} ms, p99 ${load.quantile(0.99)} ms`,
      );
      assert.deepEqual(load.failures, []);
      assertWeightsOnlyRise(story, candidate!.revision);
      assert.deepEqual(
        story.weights.map(({ byRevision }) => byRevision[candidate!.revision] ?? 0),
        [0, 10, 50, 100],
      );
      assert.notEqual(active, candidate!.revision);
      await until(
        'only the active pair is left',
        90,
        async () => (await objectsOfReleases(stage.kubernetes)).strangers.length === 0,
      );
    },
  );
}
