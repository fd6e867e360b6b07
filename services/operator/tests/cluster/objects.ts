import type { Kubernetes } from './kubernetes.ts';
import { NAME, NAMESPACE } from './stage.ts';
import { FACEPASS, type Status } from './story.ts';

const COLLECTIONS = [
  `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`,
  `/apis/apps/v1/namespaces/${NAMESPACE}/controllerrevisions`,
  `/apis/apps/v1/namespaces/${NAMESPACE}/replicasets`,
  `/api/v1/namespaces/${NAMESPACE}/services`,
  `/api/v1/namespaces/${NAMESPACE}/pods`,
  `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`,
  `/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers`,
  `/apis/gateway.networking.k8s.io/v1/namespaces/${NAMESPACE}/httproutes`,
];

/**
 * Everything in the namespace that bears the label of the Facepass, as `kind/name`, and of it the `strangers`: what
 * belongs to no revision that may still have something. A rejected revision keeps its record and its Jobs, to be read;
 * only the active one has pods.
 */
export async function objectsOfReleases(kubernetes: Kubernetes): Promise<{ all: string[]; strangers: string[] }> {
  const lists = await Promise.all(
    COLLECTIONS.map(async (path) => {
      const { items } = await kubernetes.read<{ items: Item[] }>(`${path}?labelSelector=facepass.dev%2Fname%3D${NAME}`);
      return items.map((item) => ({
        kind: path.slice(path.lastIndexOf('/') + 1),
        name: item.metadata.name,
        revision: item.metadata.labels['facepass.dev/revision'],
        component: item.metadata.labels['facepass.dev/component'],
      }));
    }),
  );
  const objects = lists.flat();
  const { status } = await kubernetes.read<{ status?: Status }>(FACEPASS).catch(() => ({ status: undefined }));
  const strangers = objects.filter(({ kind, revision, component }) => {
    if (revision === undefined || revision === status?.active.revision) return false;
    const isRecord =
      ['controllerrevisions', 'jobs'].includes(kind) ||
      (kind === 'pods' && ['migration', 'smoke-test'].includes(component ?? ''));
    return !(isRecord && revision === status?.rejected?.revision);
  });
  const named = (list: typeof objects) => list.map(({ kind, name }) => `${kind}/${name}`);
  return { all: named(objects), strangers: named(strangers) };
}

interface Item {
  metadata: { name: string; labels: Record<string, string> };
}
