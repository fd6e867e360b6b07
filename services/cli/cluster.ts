import { FACEPASS_RESOURCE, type Facepass } from '@facepass/contracts/facepass';
import { ApiException, CustomObjectsApi, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { EXIT, Failure, reasonOf } from './failures.ts';
import { fileProblem } from './file-problem.ts';

const { group, version, plural } = FACEPASS_RESOURCE;
const RESOURCE = { group, version, plural };
/**
 * Owner of the fields that people set with the command line, so that neither Helm nor the operator claims them.
 */
const FIELD_MANAGER = 'facepass-cli';

/** The Facepass resources of a namespace. */
export interface Releases {
  namespace: string;
  /** Reads the named resource, or the only one. @throws Failure unknown */
  read(name?: string): Promise<Facepass>;
  /** Merges `change` into the resource. @throws Failure unknown, keyRefused, unavailable */
  merge(name: string, change: object): Promise<void>;
}

/** Connects like kubectl: KUBECONFIG, ~/.kube/config, or the pod's own account. */
export function connectReleases(options: { namespace?: string; context?: string }): Releases {
  const config = readKubeconfig();
  if (options.context) config.setCurrentContext(options.context);
  const server = config.getCurrentCluster()?.server;
  if (!server || server === FALLBACK_SERVER)
    throw new Failure(
      EXIT.usage,
      options.context
        ? `The kubeconfig has no context "${options.context}".`
        : 'No cluster is configured. Set KUBECONFIG, or write ~/.kube/config as for kubectl.',
    );
  const objects = config.makeApiClient(CustomObjectsApi);
  const namespace = options.namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';

  const only = async (): Promise<Facepass> => {
    const { items } = (await objects.listNamespacedCustomObject({ ...RESOURCE, namespace }).catch(refuse(server))) as {
      items: Facepass[];
    };
    if (items.length === 1) return items[0]!;
    const names = items.map(({ metadata }) => metadata.name).join(', ');
    throw new Failure(
      EXIT.unknown,
      names
        ? `Namespace ${namespace} has several Facepass resources; name one of ${names}.`
        : `Namespace ${namespace} has no Facepass resource. Check --namespace, and that the chart has release.mode=blueGreen.`,
    );
  };
  return {
    namespace,
    read: async (name) =>
      name
        ? ((await objects
            .getNamespacedCustomObject({ ...RESOURCE, namespace, name })
            .catch(refuse(server, name))) as Facepass)
        : only(),
    merge: async (name, body) => {
      const asMerge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
      await objects
        .patchNamespacedCustomObject({ ...RESOURCE, namespace, name, body, fieldManager: FIELD_MANAGER }, asMerge)
        .catch(refuse(server, name));
    },
  };
}

/** The client's own choice without any kubeconfig, which it then declines to call. */
const FALLBACK_SERVER = 'http://localhost:8080';

function readKubeconfig(): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromDefault();
  } catch (error) {
    const path = process.env['KUBECONFIG'] || '~/.kube/config';
    const reason = (error as NodeJS.ErrnoException).path ? fileProblem(error) : 'is not a valid kubeconfig';
    throw new Failure(EXIT.usage, `${path} ${reason}. \`kubectl config view\` shows what kubectl reads.`);
  }
  return config;
}

function refuse(server: string, name = 'the resource') {
  return (error: unknown): never => {
    if (!(error instanceof ApiException))
      throw new Failure(EXIT.unavailable, `Cannot reach the cluster at ${server} (${reasonOf(error)}).`);
    const { message } = messageOf(error.body);
    if (error.code === 404)
      throw new Failure(
        EXIT.unknown,
        `${name}: ${message ?? 'no such Facepass resource, or its definition is not installed (charts/facepass-operator)'}`,
      );
    if (error.code === 401 || error.code === 403)
      throw new Failure(EXIT.keyRefused, message ?? 'The cluster denies access to this account.');
    throw new Failure(error.code >= 500 ? EXIT.unavailable : EXIT.refused, `${name}: ${message ?? error.code}`);
  };
}

function messageOf(body: unknown): { message?: string } {
  try {
    return (typeof body === 'string' ? JSON.parse(body) : body) as { message?: string };
  } catch {
    return {};
  }
}
