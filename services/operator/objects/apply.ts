import { KubernetesError, type Cluster, type KubernetesObject } from '../kubernetes/cluster.ts';
import type { Status } from '@facepass/contracts/facepass';
import { AUTOSCALER, CONTROLLER_REVISION, DEPLOYMENT, HTTP_ROUTE, JOB, LABEL, SERVICE } from '../kubernetes/kinds.ts';
import { mayStay } from './desired.ts';
import type { Owner } from './object.ts';
import { strangerOf } from './ownership.ts';

const RESOURCES = [CONTROLLER_REVISION, DEPLOYMENT, SERVICE, AUTOSCALER, JOB, HTTP_ROUTE];

export interface ApplyContext {
  cluster: Cluster;
  /** Called before each write. @throws when this process may not write. */
  assertHeld: () => Promise<void>;
  /** Whose objects are written, and no others. */
  owner: Pick<Owner, 'name' | 'uid'>;
}

/**
 * Makes the cluster as desired: applies what differs, then removes what belongs to no kept revision. Goes on past a
 * refused object, so that one bad template cannot keep the traffic from going back. An object of that name that belongs
 * to somebody else is left as it is.
 * @param isFull also applies what seems right, which takes away fields that are no longer wanted.
 * @returns why objects were not written, by name: the API server refuses them, or somebody else owns them.
 * @throws the first other error, after everything was tried.
 */
export async function applyObjects(
  { cluster, assertHeld, owner }: ApplyContext,
  desired: KubernetesObject[],
  live: KubernetesObject[],
  status: Status,
  isFull: boolean,
): Promise<Map<string, string>> {
  const refusals = new Map<string, string>();
  let failure: Error | undefined;
  const attempt = async (object: KubernetesObject, write: () => Promise<void>) => {
    await assertHeld();
    await write().catch((error: Error) => {
      if (error instanceof KubernetesError && (error.status === 400 || error.status === 422))
        refusals.set(object.metadata.name, error.message);
      else failure ??= error;
    });
  };
  for (const object of desired) {
    const present = live.find((one) => isSame(one, object));
    // A finished Job cannot change, nor can a record of a revision.
    if (
      present &&
      (object.kind === JOB.kind || object.kind === CONTROLLER_REVISION.kind || (!isFull && covers(present, object)))
    )
      continue;
    await attempt(object, async () => {
      const { namespace = '', name } = object.metadata;
      const there = present ?? (await cluster.get(resourceOf(object), namespace, name));
      const stranger = there && strangerOf(there, owner);
      if (stranger) refusals.set(name, stranger);
      // Without force one that somebody makes at this moment is met as a conflict.
      else await cluster.apply(resourceOf(object), object, there !== null);
    });
  }
  const own = live.filter((one) => strangerOf(one, owner) === null);
  for (const object of superfluous(own, desired, status))
    await attempt(object, () => cluster.remove(resourceOf(object), object));
  if (failure) throw failure;
  return refusals;
}

/** Objects of revisions that are gone, and those of a kept revision that it no longer wants. */
function superfluous(live: KubernetesObject[], desired: KubernetesObject[], status: Status): KubernetesObject[] {
  const known = new Set(
    desired.filter((one) => one.kind === CONTROLLER_REVISION.kind).map((one) => one.metadata.labels?.[LABEL.revision]),
  );
  return live.filter((object) => {
    const revision = object.metadata.labels?.[LABEL.revision];
    if (!revision || object.metadata.deletionTimestamp || desired.some((one) => isSame(one, object))) return false;
    if (!mayStay(status, object.kind, revision)) return true;
    // Without its record nobody knows what the revision wants: its objects stay as they are.
    return object.kind === AUTOSCALER.kind && known.has(revision);
  });
}

function isSame(a: KubernetesObject, b: KubernetesObject): boolean {
  return a.kind === b.kind && a.metadata.name === b.metadata.name;
}

function resourceOf({ kind }: KubernetesObject) {
  const resource = RESOURCES.find((one) => one.kind === kind);
  if (!resource) throw new Error(`no resource of kind ${kind}. This is a bug.`);
  return resource;
}

/**
 * Whether `live` has every field of `desired` with its value; it may have more, which defaults and other managers have
 * set.
 */
export function covers(live: unknown, desired: unknown): boolean {
  if (Array.isArray(desired))
    return (
      Array.isArray(live) && live.length === desired.length && desired.every((item, place) => covers(live[place], item))
    );
  if (desired !== null && typeof desired === 'object') {
    if (live === null || typeof live !== 'object') return Object.keys(desired).length === 0;
    return Object.entries(desired).every(
      ([key, value]) => value === undefined || covers((live as Record<string, unknown>)[key], value),
    );
  }
  return live === desired || (desired === null && live === undefined);
}
