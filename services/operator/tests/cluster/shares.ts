import { until } from '../../../../charts/tests/cluster.ts';
import type { Kubernetes } from './kubernetes.ts';
import { NAMESPACE } from './stage.ts';

/** Requests for the status of a session that the API pods of each revision have counted. */
export async function requestsByRevision(kubernetes: Kubernetes): Promise<Record<string, number>> {
  const pods = await apiPods(kubernetes);
  const counts = await Promise.all(
    pods.map(
      async ({ name, revision }) =>
        [
          revision,
          statusRequests(await kubernetes.get(`/api/v1/namespaces/${NAMESPACE}/pods/${name}:9464/proxy/metrics`)),
        ] as const,
    ),
  );
  const sums: Record<string, number> = {};
  for (const [revision, count] of counts) sums[revision] = (sums[revision] ?? 0) + count;
  return sums;
}

/** The share of `revision` among the next `requests` requests, by what the pods counted. */
export async function shareOf(kubernetes: Kubernetes, revision: string, requests: number): Promise<number> {
  const before = await requestsByRevision(kubernetes);
  return until(`${requests} requests`, 120, async () => {
    const now = await requestsByRevision(kubernetes);
    const grown = Object.fromEntries(Object.keys(now).map((key) => [key, now[key]! - (before[key] ?? 0)]));
    const total = Object.values(grown).reduce((sum, count) => sum + count, 0);
    return total >= requests ? (grown[revision] ?? 0) / total : undefined;
  });
}

/** Ready API pods that are not being deleted, with their revision. */
async function apiPods(kubernetes: Kubernetes): Promise<{ name: string; revision: string }[]> {
  const { items } = await kubernetes.read<{ items: Pod[] }>(
    `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=facepass.dev/component%3Dapi`,
  );
  return items
    .filter(
      ({ metadata, status }) =>
        !metadata.deletionTimestamp &&
        status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
    )
    .map(({ metadata }) => ({ name: metadata.name, revision: metadata.labels['facepass.dev/revision']! }));
}

function statusRequests(exposition: string): number {
  const samples = exposition
    .split('\n')
    .filter(
      (line) =>
        line.startsWith('http_server_request_duration_seconds_count{') && line.includes('/api/v1/search/status/'),
    );
  return samples.reduce(
    (sum, line) =>
      sum +
      Number(
        line
          .slice(line.lastIndexOf('}') + 1)
          .trim()
          .split(' ')[0],
      ),
    0,
  );
}

interface Pod {
  metadata: { name: string; labels: Record<string, string>; deletionTimestamp?: string };
  status: { conditions?: { type: string; status: string }[] };
}
