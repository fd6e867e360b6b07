import assert from 'node:assert/strict';
import { until } from '../../../../charts/tests/cluster.ts';
import type { Kubernetes } from './kubernetes.ts';
import { NAME, NAMESPACE } from './stage.ts';

const FACEPASSES = `/apis/facepass.dev/v1alpha1/namespaces/${NAMESPACE}/facepasses`;
const ROUTES = `/apis/gateway.networking.k8s.io/v1/namespaces/${NAMESPACE}/httproutes`;
export const FACEPASS = `${FACEPASSES}/${NAME}`;

/** What the cluster has said of the Facepass and its route since `followStory`, in the order in which it came. */
export interface Story extends Disposable {
  /** One entry whenever phase, step, candidate or reason changed. */
  readonly chapters: Chapter[];
  /** One entry whenever the weights of the route changed: per cent by revision. */
  readonly weights: { atMs: number; byRevision: Record<string, number> }[];
  /** The newest status. */
  status(): Status;
  /** Waits until the status satisfies `holds`. @returns that status. */
  reaches(what: string, seconds: number, holds: (status: Status) => boolean): Promise<Status>;
}

export interface Chapter {
  atMs: number;
  phase: string;
  step: number;
  reason: string;
  message: string;
  candidate: string | undefined;
}

export interface Status {
  observedGeneration: number;
  phase: string;
  reason: string;
  message: string;
  trafficMode: string;
  release: number;
  step: number;
  weight: number;
  observedWeight?: number;
  active: { revision: string };
  candidate?: { revision: string; verdict?: { reason: string; message: string; at: string } };
  previous?: { revision: string };
  rejected?: { revision: string; number: number; reason: string; message: string };
  gates?: { name: string; result: string; value?: number; message: string }[];
  history?: {
    revision: string;
    number: number;
    result: string;
    reason: string;
    startedAt: string;
    finishedAt: string;
  }[];
  conditions: { type: string; status: string; reason: string }[];
}

/** Follows the Facepass and its route until disposed of. */
export async function followStory(kubernetes: Kubernetes): Promise<Story> {
  const chapters: Chapter[] = [];
  const weights: Story['weights'] = [];
  let newest: Status | undefined;
  const facepass = kubernetes.watch<{ status?: Status }>(
    `${FACEPASSES}?fieldSelector=metadata.name=${NAME}`,
    ({ status }) => {
      if (!status) return;
      newest = status;
      const chapter = {
        phase: status.phase,
        step: status.step,
        reason: status.reason,
        message: status.message,
        candidate: status.candidate?.revision,
      };
      const last = chapters.at(-1);
      if (
        !last ||
        last.phase !== chapter.phase ||
        last.step !== chapter.step ||
        last.reason !== chapter.reason ||
        last.candidate !== chapter.candidate
      )
        chapters.push({ atMs: Date.now(), ...chapter });
    },
  );
  const route = kubernetes.watch<HttpRoute>(`${ROUTES}?fieldSelector=metadata.name=${NAME}`, (object, type) => {
    const byRevision = type === 'DELETED' ? {} : weightsOf(object);
    if (JSON.stringify(byRevision) !== JSON.stringify(weights.at(-1)?.byRevision))
      weights.push({ atMs: Date.now(), byRevision });
  });
  await until('the watches are there', 20, async () => newest !== undefined);
  return {
    chapters,
    weights,
    status: () => newest!,
    reaches: (what, seconds, holds) =>
      until(what, seconds, async () => (holds(newest!) ? newest! : undefined)).catch((error: Error) => {
        throw new Error(`${error.message}\n${tell(chapters)}\n${JSON.stringify(newest)}`);
      }),
    [Symbol.dispose]() {
      facepass[Symbol.dispose]();
      route[Symbol.dispose]();
    },
  };
}

/** The weights of a route by the revision at the end of each backend's name. */
export function weightsOf({ spec }: HttpRoute): Record<string, number> {
  return Object.fromEntries(spec.rules[0]!.backendRefs.map(({ name, weight }) => [name.slice(-8), weight]));
}

/** One line a chapter, with seconds since the first. */
export function tell(chapters: Chapter[]): string {
  const start = chapters[0]?.atMs ?? 0;
  return chapters
    .map(
      ({ atMs, phase, step, reason, candidate, message }) =>
        `${((atMs - start) / 1000).toFixed(1).padStart(6)} s ${phase} ${step} ${candidate ?? ''} ${reason}: ${message}`,
    )
    .join('\n');
}

/** Within one release the candidate's weight only rises, or goes to nothing. */
export function assertWeightsOnlyRise({ weights }: Story, candidate: string): void {
  const course = weights.map(({ byRevision }) => byRevision[candidate] ?? 0);
  const falls = course.filter((weight, index) => index > 0 && weight < course[index - 1]! && weight !== 0);
  assert.deepEqual(falls, [], `weights of the candidate: ${course.join(' → ')}`);
}

export interface HttpRoute {
  metadata: { generation: number };
  spec: { rules: { backendRefs: { name: string; weight: number }[] }[] };
}
