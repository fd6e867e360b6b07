import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubernetesError, type Cluster, type KubernetesObject, type Resource } from '../kubernetes/cluster.ts';
import { LABEL } from '../kubernetes/kinds.ts';

/** The process that wrote is no more. */
export class Killed extends Error {
  override name = 'Killed';
}

/**
 * The API server's part in a release, in memory: for walks of thousands of looks. Server-side apply, conflicts and
 * watches are tested against the real one (kubernetes.test.ts). `tick` is what controllers, kubelet and gateway do.
 */
export interface MemoryCluster extends Cluster, AsyncDisposable {
  objects: Map<string, KubernetesObject>;
  metricsPort: number;
  /** Writes so far. */
  writes: number;
  /** Ends the writer at its so-manyth write; `before` it, or when it is done and the answer is on its way. */
  kill: { at: number; when: 'before' | 'after' } | null;
  /** From its kill on nothing that the old process still tries comes through. */
  isDead: boolean;
  tick(requests: number): void;
  put(object: KubernetesObject): void;
  named(kind: string): string[];
}

export async function createMemoryCluster(
  options: { isReady?: (deployment: KubernetesObject) => boolean; jobFails?: (job: KubernetesObject) => boolean } = {},
): Promise<MemoryCluster> {
  const objects = new Map<string, KubernetesObject>();
  const counters = new Map<string, number>();
  const server = createServer((request, response) => {
    const count = counters.get(request.socket.localAddress ?? '') ?? 0;
    response.end(
      `http_server_request_duration_seconds_count{route="/api/v1/search",method="POST",status="200"} ${count}\nfacepass_schema_version 3\nfacepass_schema_fits 1\n`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  let version = 0;
  let addresses = 0;
  const keyOf = (kind: string, namespace: string | undefined, name: string) => `${kind}/${namespace}/${name}`;
  const store = (object: KubernetesObject) => {
    const key = keyOf(object.kind, object.metadata.namespace, object.metadata.name);
    const before = objects.get(key);
    const isSpecNew = JSON.stringify(before?.['spec']) !== JSON.stringify(object['spec']);
    const metadata = {
      uid: `uid-${key}`,
      ...object.metadata,
      resourceVersion: String((version += 1)),
      generation: (before?.metadata.generation ?? 0) + (isSpecNew ? 1 : 0),
    };
    objects.set(key, structuredClone({ ...object, metadata }));
    return objects.get(key)!;
  };
  const write = (effect: () => KubernetesObject | void): KubernetesObject => {
    if (cluster.isDead) throw new Killed();
    cluster.writes += 1;
    cluster.isDead = cluster.kill?.at === cluster.writes;
    if (cluster.isDead && cluster.kill?.when === 'before') throw new Killed();
    const made = effect();
    if (cluster.isDead) throw new Killed();
    return structuredClone(made as KubernetesObject);
  };
  const withLabel = (kind: string, label: string, value: string | undefined) =>
    [...objects.values()].filter((one) => one.kind === kind && one.metadata.labels?.[label] === value);

  const cluster: MemoryCluster = {
    objects,
    metricsPort: (server.address() as AddressInfo).port,
    writes: 0,
    kill: null,
    isDead: false,
    put: (object) => void store(object),
    named: (kind) =>
      [...objects.values()]
        .filter((one) => one.kind === kind)
        .map((one) => one.metadata.name)
        .sort(),
    get: async <T extends KubernetesObject>({ kind }: Resource, namespace: string, name: string) =>
      structuredClone((objects.get(keyOf(kind, namespace, name)) as T | undefined) ?? null),
    list: async <T extends KubernetesObject>({ kind }: Resource, _namespace: string | null, selector = '') => {
      const [label = '', value] = selector.split('=');
      const items = selector ? withLabel(kind, label, value) : [...objects.values()].filter((one) => one.kind === kind);
      return { items: structuredClone(items) as T[], resourceVersion: String(version) };
    },
    create: async <T extends KubernetesObject>(_resource: Resource, object: T) =>
      write(() => {
        if (objects.has(keyOf(object.kind, object.metadata.namespace, object.metadata.name)))
          throw new KubernetesError(409, 'exists');
        return store(object);
      }) as T,
    replace: async <T extends KubernetesObject>(_resource: Resource, object: T, subresource?: string) =>
      write(() => {
        const before = objects.get(keyOf(object.kind, object.metadata.namespace, object.metadata.name));
        if (before?.metadata.resourceVersion !== object.metadata.resourceVersion)
          throw new KubernetesError(409, 'changed');
        return store(subresource ? { ...before!, status: object['status'] } : object);
      }) as T,
    apply: async (_resource, object, _force) =>
      void write(() =>
        store({ ...objects.get(keyOf(object.kind, object.metadata.namespace, object.metadata.name)), ...object }),
      ),
    remove: async (_resource, { kind, metadata: { namespace, name, labels } }) =>
      void write(() => {
        objects.delete(keyOf(kind, namespace, name));
        if (kind === 'Deployment')
          for (const pod of withLabel('Pod', LABEL.revision, labels?.[LABEL.revision]))
            if (pod.metadata.labels?.[LABEL.component] === labels?.[LABEL.component])
              objects.delete(keyOf('Pod', namespace, pod.metadata.name));
      }),
    watch: () => Promise.reject(new Error('not here')),
    tick(requests) {
      for (const one of [...objects.values()]) {
        if (one.kind === 'Deployment') runDeployment(one);
        if (one.kind === 'Job' && !one['status'])
          store({
            ...one,
            status: {
              conditions: [
                {
                  type: options.jobFails?.(one) ? 'Failed' : 'Complete',
                  status: 'True',
                  reason: 'BackoffLimitExceeded',
                },
              ],
            },
          });
        if (one.kind === 'HTTPRoute') serve(one, requests);
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  function runDeployment(deployment: KubernetesObject): void {
    const { replicas = 1 } = deployment['spec'] as { replicas?: number };
    const isReady = options.isReady?.(deployment) ?? true;
    for (let number = 0; number < 3; number += 1) {
      const name = `${deployment.metadata.name}-${number}`;
      const key = keyOf('Pod', deployment.metadata.namespace, name);
      if (number >= replicas) objects.delete(key);
      else if (!objects.has(key)) {
        addresses += 1;
        const podIP = `127.1.${addresses >> 8}.${addresses & 255}`;
        store({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name, namespace: deployment.metadata.namespace, labels: deployment.metadata.labels, uid: podIP },
          status: { podIP, conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
        });
      }
    }
    const ready = isReady ? replicas : 0;
    store({
      ...deployment,
      status: {
        observedGeneration: deployment.metadata.generation,
        replicas,
        updatedReplicas: replicas,
        readyReplicas: ready,
      },
    });
  }

  function serve(route: KubernetesObject, requests: number): void {
    const { parentRefs, rules } = route['spec'] as {
      parentRefs: object[];
      rules: { backendRefs: { name: string; weight: number }[] }[];
    };
    const conditions = ['Accepted', 'ResolvedRefs'].map((type) => ({
      type,
      status: 'True',
      observedGeneration: route.metadata.generation,
    }));
    store({ ...route, status: { parents: parentRefs.map((parentRef) => ({ parentRef, conditions })) } });
    for (const { name, weight } of rules[0]?.backendRefs ?? []) {
      const [pod] = [...objects.values()].filter(
        (one) => one.kind === 'Pod' && one.metadata.name.startsWith(`${name}-`),
      );
      const { podIP = '' } = (pod?.['status'] ?? {}) as { podIP?: string };
      counters.set(podIP, (counters.get(podIP) ?? 0) + Math.round((requests * weight) / 100));
    }
  }
  return cluster;
}
