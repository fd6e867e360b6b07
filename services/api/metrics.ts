import { setTimeout as delay } from 'node:timers/promises';
import { connectionFailures, type Pool } from '@facepass/indexing/db/pool';
import type { SchemaJudgement } from '@facepass/indexing/db/schema';
import { ApiProblem, PROBLEMS } from '@facepass/indexing/errors';
import { createFileGauges, createRegistry, exemplarLabels, type MetricsRegistry } from '@facepass/runtime/exposition';
import { exchangeOf } from '@facepass/runtime/http-server';
import { context } from '@opentelemetry/api';
import type { Response } from 'express';
import { Counter, Gauge, Histogram, collectDefaultMetrics } from 'prom-client';

/** The metrics of the API: each event is recorded here once. request-log.ts holds the log lines of requests. */
export type Metrics = ReturnType<typeof createMetrics>;

/** The metrics of one process, in a registry of their own. Every label has a closed set of values. */
export function createMetrics(pool: Pool) {
  const registry = createRegistry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  addPoolGauges(registry, pool);
  return {
    registry,
    files: createFileGauges(registry),
    ...requestMetrics(registry),
    ...readinessMetrics(registry),
    sweptAt: new Gauge({
      name: 'facepass_retention_last_sweep_timestamp_seconds',
      help: 'Unix time of the last sweep that left no overdue session; 0: none yet.',
      registers,
    }),
    sweepInterval: new Gauge({
      name: 'facepass_retention_sweep_interval_seconds',
      help: 'Interval of the sweeps of this process for overdue sessions; 0: it never sweeps.',
      registers,
    }),
    sweptSessions: new Counter({
      name: 'facepass_retention_erased_sessions_total',
      help: 'Overdue sessions erased by this process.',
      registers,
    }),
  };
}

function requestMetrics(registry: MetricsRegistry) {
  const registers = [registry];
  const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
  const httpSeconds = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Time from the headers of a request to the end of its answer.',
    labelNames: ['route', 'method', 'status'],
    buckets,
    registers,
    enableExemplars: true,
  });
  // rate() misses the first failure if the series begins with it.
  for (const route of ['/api/v1/search', '/api/v1/index'])
    for (const status of [200, 500, 503]) httpSeconds.zero({ route, method: 'POST', status });
  const problems = new Counter({
    name: 'facepass_problems_total',
    help: 'Requests and photos of batches that ended with a problem, by code.',
    labelNames: ['code'],
    registers,
  });
  for (const code of Object.keys(PROBLEMS)) problems.inc({ code }, 0);
  const searches = new Counter({
    name: 'facepass_search_requests_total',
    help: 'Searches answered.',
    labelNames: ['status'],
    registers,
  });
  const indexings = new Counter({
    name: 'facepass_index_requests_total',
    help: 'Index calls answered; a batch counts once per photo.',
    labelNames: ['status'],
    registers,
  });
  for (const counter of [searches, indexings]) for (const status of [200, 500, 503]) counter.inc({ status }, 0);
  return {
    httpSeconds,
    problems,
    searches,
    indexings,
    searchSeconds: new Histogram({
      name: 'facepass_search_duration_seconds',
      help: 'Duration of searches answered with 2xx or abandoned by the client (499); excludes problems.',
      buckets,
      registers,
      enableExemplars: true,
    }),
    indexSeconds: new Histogram({
      name: 'facepass_index_duration_seconds',
      help: 'Time to index a photo, including the download from the bucket and the wait for inference; excludes failed photos.',
      buckets,
      registers,
      enableExemplars: true,
    }),
    embeddings: new Counter({ name: 'facepass_embeddings_total', help: 'Embeddings stored.', registers }),
  };
}

/** These gauges are read during each scrape: the last probe may be long ago, or there may be none. */
function readinessMetrics(registry: MetricsRegistry) {
  const readiness = { look: (): Promise<void> => Promise.resolve() };
  const shared = { registers: [registry], collect: () => readiness.look() };
  const gauges = {
    readiness,
    ready: new Gauge({
      name: 'facepass_ready',
      help: '1 if /readyz answers 200, checked during the scrape, else 0.',
      ...shared,
    }),
    notReady: new Gauge({
      name: 'facepass_not_ready',
      help: '1 for each reason why this process is not ready, 0 for the others.',
      labelNames: ['reason'],
      ...shared,
    }),
    schemaVersion: new Gauge({
      name: 'facepass_schema_version',
      help: 'Schema version of the database at the last readiness check; absent until it is known.',
      ...shared,
    }),
    schemaFits: new Gauge({
      name: 'facepass_schema_fits',
      help: '1 if this process can use that schema, else 0; absent until it is known.',
      ...shared,
    }),
    migrationExitCode: new Gauge({
      name: 'facepass_migration_last_exit_code',
      help: 'Exit code of the last `up` or `down` of the migrator, recorded in the database; absent until it is known.',
      ...shared,
    }),
  };
  // prom-client starts a gauge at 0, so a database unavailable at the start would look like one with an unfit schema.
  for (const unknown of [gauges.schemaVersion, gauges.schemaFits, gauges.migrationExitCode]) unknown.remove();
  return gauges;
}

function addPoolGauges(registry: MetricsRegistry, pool: Pool): void {
  const gauges: [name: string, help: string, read: () => number][] = [
    [
      'facepass_db_connections_active',
      'Database connections in use by this process.',
      () => pool.totalCount - pool.idleCount,
    ],
    ['facepass_db_connections_max', 'Maximum number of database connections of this process.', () => pool.options.max],
    ['facepass_db_connections_waiting', 'Statements waiting for a connection.', () => pool.waitingCount],
  ];
  for (const [name, help, read] of gauges) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }
  new Counter({
    name: 'facepass_db_connection_failures_total',
    help: 'Failed attempts to get a database connection: none free in time, or none from the database.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(connectionFailures(pool));
    },
  });
}

/** Lets every scrape show whether Redis counts the rate limits for all processes together. */
export function showRateLimits({ registry }: Metrics, isShared: () => boolean): void {
  new Gauge({
    name: 'facepass_rate_limits_shared',
    help: '1 while Redis counts the rate limits for all processes, 0 while this process counts by itself; absent without REDIS_URL.',
    registers: [registry],
    collect() {
      this.set(isShared() ? 1 : 0);
    },
  });
}

/** Counts the search that `response` answers once it is over. */
export function observeSearch(metrics: Metrics, response: Response): void {
  const started = performance.now();
  const record = () => {
    const status = statusOf(response);
    metrics.searches.inc({ status });
    if (waited(status))
      metrics.searchSeconds.observe({ value: (performance.now() - started) / 1000, exemplarLabels: exemplarLabels() });
  };
  void exchangeOf(response).over.then(context.bind(context.active(), record));
}

/**
 * Counts the photo that `work` indexes, once, whatever the result. A photo of a batch has no answer of its own, so its
 * problem is counted here too.
 * @throws what `work` throws
 */
export async function observeIndexing<Found extends { faces: unknown[] }>(
  metrics: Metrics,
  { signal, ofBatch }: { signal: AbortSignal; ofBatch: boolean },
  work: () => Promise<Found>,
): Promise<Found> {
  const started = performance.now();
  const record = (status: number) => {
    metrics.indexings.inc({ status });
    if (waited(status))
      metrics.indexSeconds.observe({ value: (performance.now() - started) / 1000, exemplarLabels: exemplarLabels() });
  };
  try {
    const found = await work();
    record(200);
    metrics.embeddings.inc(found.faces.length);
    return found;
  } catch (error) {
    const code = error instanceof ApiProblem ? error.code : 'internal_error';
    record(signal.aborted ? CLIENT_LEFT : PROBLEMS[code].status);
    if (ofBatch && !signal.aborted) metrics.problems.inc({ code });
    throw error;
  }
}

/**
 * Makes every scrape show what `look` finds. `look` runs once per scrape, whatever the number of metrics, and must not
 * throw. If it takes longer than SCRAPE_WAIT_MS, the next scrape shows its result: while all connections are in use, the
 * metrics that report it must not be late.
 */
export function showReadiness(metrics: Metrics, look: () => Promise<Faults>): void {
  let underWay: Promise<void> | null = null;
  let waitedFor: Promise<void> | null = null;
  const record = (faults: Faults) => {
    metrics.ready.set(Object.keys(faults).length === 0 ? 1 : 0);
    for (const reason of NOT_READY_REASONS) metrics.notReady.set({ reason }, reason in faults ? 1 : 0);
  };
  const refresh = () =>
    (underWay ??= look()
      .then(record)
      .finally(() => (underWay = null)));
  metrics.readiness.look = () =>
    (waitedFor ??= Promise.race([refresh(), delay(SCRAPE_WAIT_MS, undefined, { ref: false })]).finally(
      () => (waitedFor = null),
    ));
}

const SCRAPE_WAIT_MS = 700;

/** Why a process may get no requests; a stopping process checks nothing else. */
export const NOT_READY_REASONS = ['draining', 'database', 'schema', 'inference'] as const;
/** The present faults, in words, by reason. */
export type Faults = Partial<Record<(typeof NOT_READY_REASONS)[number], string>>;

/** Records the schema that the readiness check found. */
export function recordSchema(metrics: Metrics, { version, lastRun, fault }: SchemaJudgement): void {
  if (lastRun !== null) metrics.migrationExitCode.set(lastRun);
  metrics.schemaVersion.set(version);
  metrics.schemaFits.set(fault === null ? 1 : 0);
}

/** Records a sweep that left no overdue session. */
export function recordSweep(metrics: Metrics, erasedSessions: number): void {
  metrics.sweptAt.set(Date.now() / 1000);
  metrics.sweptSessions.inc(erasedSessions);
}

/** The status of the answer, or CLIENT_LEFT if there was none. */
export function statusOf(response: Response): number {
  return response.writableFinished || response.headersSent ? response.statusCode : CLIENT_LEFT;
}

/**
 * Whether somebody waited for the work itself, to its end or until they left. Quick problems would make a slow service
 * look fast.
 */
function waited(status: number): boolean {
  return status < 300 || status === CLIENT_LEFT;
}

/** nginx's status for a client that disconnected before the answer. */
const CLIENT_LEFT = 499;
