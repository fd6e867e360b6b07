import { setTimeout as delay } from 'node:timers/promises';
import { KubernetesError, type Cluster, type KubernetesObject } from './cluster.ts';
import type { Config } from '../config.ts';
import { LEASE } from './kinds.ts';

/** This process may not write: it does not hold the Lease, or no longer. */
export class NotLeader extends Error {
  override name = 'NotLeader';
}

export interface Leadership {
  isLeader(): boolean;
  /**
   * To be called before each write. Reads the Lease, so that a process that slept through its loss does not write after
   * another took over.
   * @throws NotLeader
   */
  assertHeld(): Promise<void>;
}

interface Lease extends KubernetesObject {
  spec: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    renewTime?: string;
    acquireTime?: string;
    leaseTransitions?: number;
  };
}

/** A process's part in the competition for the Lease. */
export interface Competition extends Leadership {
  /** Why it can neither lead nor stand by: it has not reached the Lease for as long as a Lease lasts. Else null. */
  trouble(): string | null;
  /** Resolves when it has given up. */
  ended: Promise<void>;
}

interface LeaderEvents {
  /** Called when the Lease is won and when it is lost. */
  onChange: (isLeader: boolean) => void;
  onError: (error: Error) => void;
}

/**
 * Competes for the Lease until `signal`, then gives it up. A holder counts by its own clock from before the renewal was
 * sent; another one waits until the Lease has not changed for its whole duration by the clock of the one that waits, so
 * that clocks need not agree.
 */
export function competeForLease(
  cluster: Cluster,
  config: Config['lease'],
  { onChange, onError }: LeaderEvents,
  signal: AbortSignal,
): Competition {
  const { namespace, name, holder, durationMs } = config;
  let heldUntil = -Infinity;
  let isLeading = false;
  let seen = { version: '', at: 0 };
  let reach = { at: performance.now(), fault: '' };
  const isLeader = () => performance.now() < heldUntil;
  const report = () => {
    if (isLeader() !== isLeading) onChange((isLeading = !isLeading));
  };
  const attempt = async () => {
    const started = performance.now();
    const lease = await cluster.get<Lease>(LEASE, namespace, name);
    if (lease && lease.metadata.resourceVersion !== seen.version)
      seen = { version: lease.metadata.resourceVersion ?? '', at: started };
    if (lease && !mayTake(lease, config, started - seen.at)) heldUntil = -Infinity;
    else {
      await write(cluster, config, lease);
      heldUntil = started + config.renewDeadlineMs;
    }
  };
  const run = async () => {
    while (!signal.aborted) {
      await attempt().then(
        () => (reach = { at: performance.now(), fault: '' }),
        (error: Error) => {
          // Somebody else wrote in between: whoever it was, the next look tells.
          if (error instanceof KubernetesError && error.status === 409) return;
          reach.fault = error.message;
          onError(error);
        },
      );
      report();
      await delay(config.retryMs, undefined, { signal }).catch(() => undefined);
    }
    const wasLeader = isLeader();
    heldUntil = -Infinity;
    report();
    if (wasLeader) await release(cluster, config).catch(onError);
  };
  const watchdog = setInterval(report, Math.min(config.retryMs, 500));
  watchdog.unref();
  const ended = run().finally(() => clearInterval(watchdog));
  return {
    isLeader,
    async assertHeld() {
      if (!isLeader()) throw new NotLeader('the Lease is not held');
      const lease = await cluster.get<Lease>(LEASE, namespace, name);
      if (lease?.spec.holderIdentity === holder && isLeader()) return;
      heldUntil = -Infinity;
      report();
      throw new NotLeader(`the Lease is held by ${lease?.spec.holderIdentity || 'nobody'}`);
    },
    trouble: () =>
      reach.fault && performance.now() - reach.at > durationMs ? `the Lease is unreachable: ${reach.fault}` : null,
    ended,
  };
}

function mayTake({ spec }: Lease, { holder, durationMs }: Config['lease'], unchangedMs: number): boolean {
  if (!spec.holderIdentity || spec.holderIdentity === holder) return true;
  return unchangedMs > (spec.leaseDurationSeconds ? spec.leaseDurationSeconds * 1000 : durationMs);
}

async function write(
  cluster: Cluster,
  { namespace, name, holder, durationMs }: Config['lease'],
  lease: Lease | null,
): Promise<void> {
  const renewTime = microTime();
  const isRenewal = lease?.spec.holderIdentity === holder;
  const spec = {
    holderIdentity: holder,
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    renewTime,
    acquireTime: isRenewal ? (lease.spec.acquireTime ?? renewTime) : renewTime,
    leaseTransitions: (lease?.spec.leaseTransitions ?? 0) + (isRenewal || !lease ? 0 : 1),
  };
  if (lease) await cluster.replace<Lease>(LEASE, { ...lease, spec });
  else
    await cluster.create<Lease>(LEASE, {
      apiVersion: LEASE.apiVersion,
      kind: LEASE.kind,
      metadata: { name, namespace },
      spec,
    });
}

/** Lets the next one begin at once. */
async function release(cluster: Cluster, { namespace, name, holder }: Config['lease']): Promise<void> {
  const lease = await cluster.get<Lease>(LEASE, namespace, name);
  if (lease?.spec.holderIdentity === holder)
    await cluster.replace<Lease>(LEASE, {
      ...lease,
      spec: { ...lease.spec, holderIdentity: '', renewTime: microTime() },
    });
}

/** Kubernetes's MicroTime wants six digits. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
