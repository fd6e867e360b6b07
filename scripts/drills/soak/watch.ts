import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { now } from './model.ts';
import type { OwnServer } from './servers.ts';

/** Waits until no call is under way anywhere, although its client may have left. @throws Error after a minute */
export async function quiet(databaseUrl: string, apis: OwnServer[], lasting: OwnServer[]): Promise<void> {
  const giveUp = now() + 60_000;
  for (let calm = 0; calm < 5;) {
    const busy = await busyWith(databaseUrl, [...apis, ...lasting]);
    calm = busy === null ? calm + 1 : 0;
    if (busy !== null && now() > giveUp) throw new Error(`After a minute without calls there is ${busy}.`);
    await delay(200);
  }
}

/** What is under way, in words, or null. */
async function busyWith(databaseUrl: string, servers: OwnServer[]): Promise<string | null> {
  const statements = await rowsOf<{ query: string }>(databaseUrl, WORKING);
  if (statements.length > 0) return `a transaction (${statements[0]!.query})`;
  for (const { name, process } of servers) {
    const response = await fetch(`http://127.0.0.1:${process().metricsPort}/metrics`);
    const busy = /^(facepass_inference_(?:in_flight|queue_depth)|facepass_db_connections_active) ([1-9]\S*)/m.exec(
      await response.text(),
    );
    if (busy && !busy[0].endsWith('connections_active 1')) return `${busy[0]} in ${name}`;
  }
  return null;
}

/** Rows of one statement on a connection of its own. */
export async function rowsOf<Row extends pg.QueryResultRow>(url: string, sql: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

const WORKING = `
  select query from pg_stat_activity
   where application_name = 'facepass-api' and state <> 'idle' and query !~ 'schema_version|pg_extension'`;

/** Whether every API answers its readiness, and a call that needs the database, with 200. */
export async function allReady(apis: OwnServer[]): Promise<boolean> {
  const answers = apis.flatMap(({ port }) =>
    ['/readyz', '/api/v1/search/status/ready'].map((path) =>
      fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(4000) }).then(
        async (response) => {
          await response.arrayBuffer();
          return response.ok;
        },
        () => false,
      ),
    ),
  );
  return (await Promise.all(answers)).every(Boolean);
}

export interface Sample {
  /** Hours since the start. */
  hours: number;
  megabytes: number;
}

/** Resident memory of a process. Linux only. */
export function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Open descriptors of a process. Linux only. */
export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/**
 * By how many per cent an hour memory grows: the median of the slopes between all pairs of samples (Theil and Sen), so
 * that a peak says nothing, against their median. NaN for fewer than three.
 */
export function growthOf(samples: Sample[]): number {
  if (samples.length < 3) return NaN;
  const slopes = samples.flatMap((one, n) =>
    samples.slice(n + 1).map((other) => (other.megabytes - one.megabytes) / (other.hours - one.hours)),
  );
  return (100 * median(slopes)) / median(samples.map(({ megabytes }) => megabytes));
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}
