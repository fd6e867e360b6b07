import { sh } from '../../charts/tests/cluster.ts';
import { good } from '../../services/operator/tests/cluster/candidates.ts';
import { followStory } from '../../services/operator/tests/cluster/story.ts';
import { NAMESPACE, type Stage } from '../../services/operator/tests/cluster/stage.ts';
import type { ClusterDrill } from './cluster.ts';

/** The faults that need a cluster with a gateway, by name. */
export const CLUSTER_DRILLS: Record<string, ClusterDrill> = {
  'ignored-weights': { alert: 'FacepassWeightMismatch', speed: 10, break: ignoreWeights },
};

/**
 * The gateway takes the route of a release at 10 % and gives each revision half. The operator would take the release
 * back within the share's deadline; it is given an hour, as by somebody who set it so.
 */
async function ignoreWeights(stage: Stage): Promise<() => Promise<void>> {
  await sh(`kubectl -n ${NAMESPACE} annotate gateway public test-gateway/fault=ignore-weights`);
  await stage.release(
    good('ignored-weights'),
    '--set release.traffic.share.deadline=1h',
    `--set-json 'release.traffic.steps=[{"weight":10,"hold":"1h"},{"weight":100,"hold":"4s"}]'`,
  );
  using story = await followStory(stage.kubernetes);
  await story.reaches('10 %', 180, ({ weight }) => weight === 10);
  return async () => void (await sh(`kubectl -n ${NAMESPACE} annotate gateway public test-gateway/fault-`));
}
