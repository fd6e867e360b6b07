import { setTimeout as delay } from 'node:timers/promises';
import { failing, good } from '../../../services/operator/tests/cluster/candidates.ts';
import { NAMESPACE, raiseStage } from '../../../services/operator/tests/cluster/stage.ts';
import { followStory } from '../../../services/operator/tests/cluster/story.ts';
import { fasterRules, type Prometheus } from './prometheus.ts';

/** A Prometheus of a cluster that has seen releases since `startSeconds`, Unix time. */
export interface WatchedReleases extends AsyncDisposable, Pick<Prometheus, 'queryRange'> {
  startSeconds: number;
}

/**
 * A pace at which a machine that does other things keeps up: each step lasts for some ten looks of Prometheus and of
 * the operator.
 */
const PACE = [
  `--set-json 'release.traffic.steps=[{"weight":10,"hold":"20s"},{"weight":50,"hold":"30s"},{"weight":100,"hold":"10s"}]'`,
  '--set release.deadlines.ready=3m --set release.traffic.share.deadline=2m --set release.rollbackWindow=20s',
];

/** Releases a good candidate under load, and one that fails, which a gate takes back. */
export async function watchRelease(tell: (line: string) => void): Promise<WatchedReleases> {
  await using stack = new AsyncDisposableStack();
  const stage = stack.use(await raiseStage(tell, await fasterRules(10)));
  const { kubernetes } = stage;
  using story = await followStory(kubernetes);
  const load = stack.use(stage.load());
  const startSeconds = Date.now() / 1000;
  for (const [title, candidate] of Object.entries({ good: good('drawn'), failing: failing() })) {
    await delay(15_000);
    await stage.release(candidate, ...PACE);
    await story.reaches(`the ${title} candidate has traffic`, 300, ({ weight }) => weight > 0);
    const { history } = await story.reaches(
      `the release of the ${title} candidate is over`,
      300,
      ({ phase }) => phase === 'Stable',
    );
    tell(`${title}: ${history?.[0]?.result}`);
  }
  await delay(15_000);
  await load.stop();
  const owned = stack.move();
  return {
    startSeconds,
    async queryRange(query, start, end, step) {
      const parameters = new URLSearchParams({ query, start: String(start), end: String(end), step: String(step) });
      const { data } = await kubernetes.read<{
        data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
      }>(`/api/v1/namespaces/${NAMESPACE}/services/prometheus:9090/proxy/api/v1/query_range?${parameters}`);
      return data.result.map(({ metric, values }) => ({
        metric,
        values: values.map(([at, value]) => [at, Number(value)]),
      }));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
