import type { KubernetesObject } from '../kubernetes/cluster.ts';
import type { Spec } from '@facepass/contracts/facepass';
import { LABEL } from '../kubernetes/kinds.ts';
import type { Owner } from '../objects/object.ts';
import type { Pair } from '../decide/observation.ts';

export interface Deployment extends KubernetesObject {
  spec: { replicas?: number };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export interface Pod extends KubernetesObject {
  status?: {
    podIP?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: {
      name: string;
      state?: {
        waiting?: { reason?: string; message?: string };
        running?: object;
        terminated?: { exitCode: number; message?: string; finishedAt?: string };
      };
      lastState?: { terminated?: { exitCode: number; message?: string } };
    }[];
  };
}

/**
 * How the pods of a revision are. `isWhole`: it has an inference of its own. Schema, quiet and refusal are not known
 * here.
 */
export function pairOf({
  revision,
  spec,
  deployments,
  autoscalers,
  pods,
  isWhole,
}: {
  owner: Owner;
  revision: string;
  spec: Spec;
  deployments: Deployment[];
  autoscalers: KubernetesObject[];
  pods: Pod[];
  isWhole: boolean;
}): Pair {
  const halves = isWhole ? (['inference', 'api'] as const) : (['api'] as const);
  const own = pods.filter(
    (pod) =>
      pod.metadata.labels?.[LABEL.revision] === revision &&
      halves.some((half) => half === pod.metadata.labels?.[LABEL.component]),
  );
  const states = halves.map((half) => {
    const deployment = deployments.find(
      ({ metadata: { labels } }) => labels?.[LABEL.revision] === revision && labels[LABEL.component] === half,
    );
    const autoscaler = autoscalers.find((one) => one.metadata.name === deployment?.metadata.name) as
      | { spec?: { minReplicas?: number } }
      | undefined;
    const size = spec[half];
    return halfState(
      half,
      deployment,
      autoscaler?.spec?.minReplicas ?? (size?.autoscaling ? size.autoscaling.minReplicas : (size?.replicas ?? 1)),
    );
  });
  const trouble = troubleOf(own);
  return {
    full: states.every((state) => state.full),
    serving: states.every((state) => state.ready > 0),
    pods: own.length,
    schemaFits: null,
    quiet: false,
    refusal: null,
    message: states.map((state) => state.message).join(', ') + (trouble && `; ${trouble}`),
  };
}

function halfState(
  half: string,
  deployment: Deployment | undefined,
  least: number,
): { full: boolean; ready: number; message: string } {
  if (!deployment) return { full: false, ready: 0, message: `${half}: no Deployment` };
  const { spec, status = {}, metadata } = deployment;
  const target = Math.max(spec.replicas ?? 1, least);
  const ready = status.readyReplicas ?? 0;
  const isCurrent =
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0) && (status.updatedReplicas ?? 0) >= target;
  // A quota that is used up, or a policy: no pod is made, so none tells of it.
  const refused = status.conditions?.find((one) => one.type === 'ReplicaFailure' && one.status === 'True');
  const why = refused ? ` (${refused.reason ?? ''} ${refused.message ?? ''})`.slice(0, 300) : '';
  return { full: isCurrent && ready >= target, ready, message: `${half} ${ready}/${target} ready${why}` };
}

/** The first thing that keeps a pod from being ready, as Kubernetes puts it. */
export function troubleOf(pods: Pod[]): string {
  for (const { metadata, status } of pods) {
    const scheduled = status?.conditions?.find((one) => one.type === 'PodScheduled' && one.status === 'False');
    if (scheduled) return `${metadata.name}: ${scheduled.reason ?? ''} ${scheduled.message ?? ''}`.slice(0, 300);
    for (const { name, state, lastState } of status?.containerStatuses ?? []) {
      if (state?.waiting && !['ContainerCreating', 'PodInitializing'].includes(state.waiting.reason ?? '')) {
        const end = lastState?.terminated;
        return `${metadata.name}/${name}: ${state.waiting.reason}${end ? `, exit code ${end.exitCode} ${end.message ?? ''}` : ` ${state.waiting.message ?? ''}`}`.slice(
          0,
          300,
        );
      }
    }
  }
  return '';
}
