import { textUpTo } from './text.ts';
import type { CountedRequests } from '../decide/share.ts';

/** What an API pod tells of itself at its metrics port. */
export interface PodReading {
  uid: string;
  revision: string;
  /** Calls to /api/ answered since the process began. */
  requests: number;
  schemaVersion?: number;
  schemaFits?: boolean;
}

/** Reads one pod's metrics. @throws when it does not answer within `timeoutMs`. */
export async function readPod(address: string, timeoutMs: number): Promise<Omit<PodReading, 'uid' | 'revision'>> {
  const response = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`${address}/metrics: status ${response.status}`);
  return parseReading(await textUpTo(response, LONGEST_METRICS_BYTES));
}

const LONGEST_METRICS_BYTES = 4_000_000;

/** The numbers of interest in the text format of Prometheus. */
export function parseReading(text: string): Omit<PodReading, 'uid' | 'revision'> {
  let requests = 0;
  const gauges = new Map<string, number>();
  for (const line of text.split('\n')) {
    const sample =
      /^(http_server_request_duration_seconds_count|facepass_schema_version|facepass_schema_fits)(\{[^}]*\})? (\S+)/.exec(
        line,
      );
    if (!sample) continue;
    const [, name = '', labels = '', value] = sample;
    if (name !== 'http_server_request_duration_seconds_count') gauges.set(name, Number(value));
    else if (/[{,]route="\/api\//.test(labels)) requests += Number(value);
  }
  const [version, fits] = [gauges.get('facepass_schema_version'), gauges.get('facepass_schema_fits')];
  return {
    requests,
    ...(version !== undefined && { schemaVersion: version }),
    ...(fits !== undefined && { schemaFits: fits === 1 }),
  };
}

/**
 * Adds up what the pods' counters grew by. It lives in memory only: after a restart of the operator counting begins
 * anew, which holds a release for some seconds more.
 */
export interface Meter {
  /** Takes the readings of a moment. A new `epoch` begins a new count, null none. */
  take(readings: PodReading[], epoch: string | null, now: number): void;
  /** Requests since the epoch began. */
  counted(active: string, candidate: string): CountedRequests;
  /** Whether the revision's counters have not grown for `QUIET_MS`. */
  isQuiet(revision: string, now: number): boolean;
}

export const QUIET_MS = 5000;

export function createMeter(): Meter {
  const lasts = new Map<string, PodReading>();
  const grownAt = new Map<string, number>();
  let grown = new Map<string, number>();
  let epochNow: string | null = null;
  return {
    take(readings, epoch, now) {
      const isNew = epoch !== epochNow;
      if (isNew) grown = new Map();
      epochNow = epoch;
      for (const reading of readings) {
        const { uid, revision, requests } = reading;
        const last = lasts.get(uid);
        lasts.set(uid, reading);
        if (!grownAt.has(revision)) grownAt.set(revision, now);
        // A counter below its last value began anew: the container restarted.
        const growth = last === undefined ? requests : requests >= last.requests ? requests - last.requests : requests;
        if (growth > 0) grownAt.set(revision, now);
        if (epoch !== null && !isNew) grown.set(revision, (grown.get(revision) ?? 0) + growth);
      }
      const present = new Set(readings.map(({ uid }) => uid));
      for (const uid of lasts.keys()) if (!present.has(uid)) lasts.delete(uid);
    },
    counted(active, candidate) {
      const [a, c] = [grown.get(active) ?? 0, grown.get(candidate) ?? 0];
      return { candidate: c, total: a + c };
    },
    isQuiet: (revision, now) => now - (grownAt.get(revision) ?? now) >= QUIET_MS,
  };
}
