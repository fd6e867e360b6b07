import { HttpMethod, KubeConfig, RequestContext, Watch } from '@kubernetes/client-node';
import { fetch, type Dispatcher } from 'undici';
import { messageOf } from '@facepass/runtime/errors';

/** A kind of object and where the API serves it. */
export interface Resource {
  apiVersion: string;
  kind: string;
  plural: string;
}

/** An object as the API gives it; the parts that matter have types where they are read. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMetadata;
  [field: string]: unknown;
}

export interface ObjectMetadata {
  name: string;
  namespace?: string;
  uid?: string;
  generation?: number;
  resourceVersion?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  managedFields?: { manager?: string; operation?: string; fieldsV1?: Record<string, unknown> }[];
  ownerReferences?: {
    apiVersion: string;
    kind: string;
    name: string;
    uid: string;
    controller?: boolean;
    blockOwnerDeletion?: boolean;
  }[];
}

/** The API answered with an error; `status` 0 means that it did not answer. */
export class KubernetesError extends Error {
  override name = 'KubernetesError';
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** Every read and write of the Kubernetes API. All throw KubernetesError. */
export interface Cluster {
  get<T extends KubernetesObject>(resource: Resource, namespace: string, name: string): Promise<T | null>;
  /** `namespace` null: all of them. */
  list<T extends KubernetesObject>(
    resource: Resource,
    namespace: string | null,
    labelSelector?: string,
    fieldSelector?: string,
  ): Promise<{ items: T[]; resourceVersion: string }>;
  create<T extends KubernetesObject>(resource: Resource, object: T): Promise<T>;
  /** Replaces the object, or its status; refused with 409 when its resourceVersion is no longer the newest. */
  replace<T extends KubernetesObject>(resource: Resource, object: T, subresource?: 'status'): Promise<T>;
  /**
   * Server-side apply of exactly the fields given, by the field manager of the operator. Without `force`, fields that
   * another manager holds are refused with 409.
   */
  apply(resource: Resource, object: KubernetesObject, force: boolean): Promise<void>;
  /** Deletes an object and what hangs on it; gone already is well, too. */
  remove(resource: Resource, object: KubernetesObject): Promise<void>;
  /** Reports changes after `resourceVersion` until the server or the network ends it, or `signal`. */
  watch(
    resource: Resource,
    namespace: string | null,
    resourceVersion: string,
    onEvent: (type: string, object: KubernetesObject) => void,
    signal: AbortSignal,
    labelSelector?: string,
  ): Promise<void>;
}

/** The field manager by which server-side apply knows the operator's fields. */
export const FIELD_MANAGER = 'facepass-operator';

/** A connection by the ServiceAccount of the pod, or KUBECONFIG outside of one. */
export function connectToCluster({
  timeoutMs,
  kubeConfig = defaultKubeConfig(),
}: {
  timeoutMs: number;
  kubeConfig?: KubeConfig;
}): Cluster {
  const request = createRequest(kubeConfig, timeoutMs);
  const json = 'application/json';
  return {
    get: async <T extends KubernetesObject>(resource: Resource, namespace: string, name: string) =>
      (await request('GET', pathOf(resource, namespace, name)).catch(nullIfMissing)) as T | null,
    list: async <T extends KubernetesObject>(
      resource: Resource,
      namespace: string | null,
      labelSelector?: string,
      fieldSelector?: string,
    ) => {
      const query = new URLSearchParams({
        ...(labelSelector && { labelSelector }),
        ...(fieldSelector && { fieldSelector }),
      });
      const answer = (await request('GET', `${pathOf(resource, namespace)}?${query}`)) as {
        items: T[];
        metadata: { resourceVersion: string };
      };
      const { apiVersion, kind } = resource;
      return {
        items: answer.items.map((item) => ({ ...item, apiVersion, kind })),
        resourceVersion: answer.metadata.resourceVersion,
      };
    },
    create: async <T extends KubernetesObject>(resource: Resource, object: T) =>
      (await request(
        'POST',
        `${pathOf(resource, object.metadata.namespace ?? null)}?fieldManager=${FIELD_MANAGER}`,
        json,
        object,
      )) as T,
    replace: async <T extends KubernetesObject>(resource: Resource, object: T, subresource?: 'status') => {
      const path =
        pathOf(resource, object.metadata.namespace ?? null, object.metadata.name) +
        (subresource ? `/${subresource}` : '');
      return (await request('PUT', `${path}?fieldManager=${FIELD_MANAGER}`, json, object)) as T;
    },
    apply: async (resource, object, force) => {
      const path = pathOf(resource, object.metadata.namespace ?? null, object.metadata.name);
      await request(
        'PATCH',
        `${path}?fieldManager=${FIELD_MANAGER}&force=${force}`,
        'application/apply-patch+yaml',
        object,
      );
    },
    remove: async (resource, { metadata }) => {
      const options = {
        propagationPolicy: 'Background',
        preconditions: metadata.uid ? { uid: metadata.uid } : undefined,
      };
      await request('DELETE', pathOf(resource, metadata.namespace ?? null, metadata.name), json, options).catch(
        nullIfMissing,
      );
    },
    watch: (resource, namespace, resourceVersion, onEvent, signal, labelSelector) =>
      watchOnce(
        kubeConfig,
        pathOf(resource, namespace),
        { resourceVersion, ...(labelSelector && { labelSelector }) },
        onEvent,
        signal,
      ),
  };
}

function defaultKubeConfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  return config;
}

function pathOf({ apiVersion, plural }: Resource, namespace: string | null, name?: string): string {
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${base}${namespace === null ? '' : `/namespaces/${namespace}`}/${plural}${name === undefined ? '' : `/${name}`}`;
}

function nullIfMissing(error: unknown): null {
  if (error instanceof KubernetesError && error.status === 404) return null;
  throw error;
}

/**
 * One call. The generated classes of the client are not used: they drop fields of a pod template that their models do
 * not know, and open a connection for each call (docs/decisions/0080-kubernetes-client.md).
 */
function createRequest(kubeConfig: KubeConfig, timeoutMs: number) {
  let connections: Dispatcher | undefined;
  return async (method: string, path: string, contentType?: string, body?: object): Promise<unknown> => {
    const cluster = kubeConfig.getCurrentCluster();
    if (!cluster) throw new KubernetesError(0, 'no cluster is configured: neither a ServiceAccount nor KUBECONFIG');
    const url = cluster.server + path;
    try {
      const credentials = new RequestContext(url, HttpMethod.GET);
      await kubeConfig.applySecurityAuthentication(credentials);
      connections ??= credentials.getDispatcher();
      const response = await fetch(url, {
        method,
        headers: {
          ...credentials.getHeaders(),
          Accept: 'application/json',
          ...(contentType ? { 'Content-Type': contentType } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        ...(connections ? { dispatcher: connections } : {}),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await response.text();
      if (!response.ok)
        throw new KubernetesError(
          response.status,
          `${method} ${path.split('?')[0]}: ${statusMessageOf(text, response.status)}`,
        );
      return JSON.parse(text);
    } catch (error) {
      if (error instanceof KubernetesError) throw error;
      connections = undefined;
      throw new KubernetesError(0, `${method} ${path.split('?')[0]}: ${String((error as Error).cause ?? error)}`, {
        cause: error,
      });
    }
  };
}

function statusMessageOf(text: string, status: number): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? `status ${status}`;
  } catch {
    return `status ${status}`;
  }
}

/**
 * The client cuts a watch that is silent for 30 s; the server is asked to end it before, so that a cut always means a
 * dead connection.
 */
const WATCH_SECONDS = 25;

function watchOnce(
  kubeConfig: KubeConfig,
  path: string,
  which: { resourceVersion: string; labelSelector?: string },
  onEvent: (type: string, object: KubernetesObject) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const query = { ...which, allowWatchBookmarks: true, timeoutSeconds: WATCH_SECONDS };
    let refusal: KubernetesError | undefined;
    const report = (type: string, object: KubernetesObject) => {
      if (type !== 'ERROR') return onEvent(type, object);
      const { code, message } = object as unknown as { code?: number; message?: string };
      refusal = new KubernetesError(code ?? 500, `watch ${path}: ${message ?? 'error'}`);
    };
    const done = (error: unknown) => {
      if (refusal) reject(refusal);
      else if (error && !signal.aborted)
        reject(
          new KubernetesError(
            (error as { statusCode?: number }).statusCode ?? 0,
            `watch ${path}: ${messageOf(error)}`,
            {
              cause: error,
            },
          ),
        );
      else resolve();
    };
    void new Watch(kubeConfig).watch(path, query, report, done).then((controller) => {
      if (signal.aborted) controller.abort();
      signal.addEventListener('abort', () => controller.abort(), { once: true });
    }, reject);
  });
}
