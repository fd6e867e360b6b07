import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { KEY, samplePhoto } from './observability/stack.ts';
import { SESSION, type ProcessDrill, type Scene } from './processes.ts';

/** The faults that need no cluster, by name. */
export const DRILLS: Record<string, ProcessDrill> = {
  'database-gone': { alert: 'FacepassApiNotReady', break: closeDatabase },
  'inference-down': { alert: 'FacepassInferenceDown', break: killInference },
  'error-budget': { alert: 'FacepassErrorBudgetBurnFast', break: killInference },
  'slow-inference': { alert: 'FacepassLatencyBudgetBurnFast', break: pauseInferenceAgainAndAgain },
  'other-model': { alert: 'FacepassModelRefused', break: pretendOtherModel },
  'nothing-scraped': { alert: 'FacepassTelemetryAbsent', break: stopScraping },
  'locked-table': {
    alert: 'FacepassDatabasePoolExhausted',
    stack: { api: { DATABASE_POOL_SIZE: '1' } },
    break: lockSessions,
  },
  'no-connection-left': {
    alert: 'FacepassDatabaseConnectionsFail',
    stack: { api: { DATABASE_POOL_SIZE: '1', DATABASE_CONNECT_TIMEOUT_MS: '300' } },
    break: lockSessions,
  },
  'indexer-down': { alert: 'FacepassIndexerDown', hasIndexer: true, break: killIndexer },
  'bucket-away': { alert: 'FacepassJobsStuck', hasIndexer: true, break: takeBucketAway },
  'photos-missing': { alert: 'FacepassJobPhotosFail', hasIndexer: true, break: queueMissingPhotos },
  'migration-failed': { alert: 'FacepassMigrationFailed', break: migrateWithoutModel },
  'sweep-blocked': {
    alert: 'FacepassRetentionOverdue',
    stack: { api: { RETENTION_SWEEP_MINUTES: '0.05' } },
    break: blockSweep,
  },
};

async function killIndexer({ stack, prometheus, targets }: Scene): Promise<() => Promise<void>> {
  await stack.indexers[0]![Symbol.asyncDispose]();
  return async () => {
    await stack.startIndexer({});
    await prometheus.setTargets(targets());
  };
}

/** Every transfer fails, of photos that have waited for an hour. */
async function takeBucketAway({ stack, bucket }: Scene): Promise<() => Promise<void>> {
  const photo = await samplePhoto(1);
  const keys = Array.from({ length: 20 }, (_, n) => `${n}.jpg`);
  for (const key of keys) {
    bucket.objects.set(`/photos/${key}`, photo);
    bucket.faults.set(`/photos/${key}`, Array(10_000).fill('internal'));
  }
  await createJob(stack.url, keys);
  await withClient(stack, (client) =>
    client.query(`update job_photos set queued_at = queued_at - interval '1 hour' where state = 'pending'`),
  );
  return async () => bucket.faults.clear();
}

/** A list of photos that are not in the bucket, and again, until the list is mended. */
async function queueMissingPhotos({ stack, bucket }: Scene): Promise<() => Promise<void>> {
  const photo = await samplePhoto(1);
  const keys = Array.from({ length: 20 }, (_, n) => `${n}.jpg`);
  let over = false;
  const sending = (async () => {
    while (!over) {
      await createJob(stack.url, keys);
      await delay(2000);
    }
  })();
  return async () => {
    for (const key of keys) bucket.objects.set(`/photos/${key}`, photo);
    over = true;
    await sending;
    await createJob(stack.url, keys);
  };
}

async function createJob(url: string, keys: string[]): Promise<void> {
  const { status } = await fetch(`${url}/api/v1/jobs`, {
    method: 'POST',
    headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
    body: JSON.stringify({ session_id: 'jobs', photos: keys.map((key) => ({ photo_id: key, s3_key: key })) }),
  });
  assert.equal(status, 202);
}

/** The database takes no connection and ends those it has, as one that fails over. */
async function closeDatabase({ stack }: Scene): Promise<() => Promise<void>> {
  const name = new URL(stack.database.url).pathname.slice(1);
  // The database that a connection is in cannot be closed to others by it.
  const url = Object.assign(new URL(stack.database.url), { pathname: '/postgres' }).href;
  const setOpen = (open: boolean) =>
    withClient({ database: { url } }, (client) => client.query(`alter database ${name} allow_connections ${open}`));
  await setOpen(false);
  await withClient({ database: { url } }, (client) =>
    client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]),
  );
  return async () => void (await setOpen(true));
}

/** The process is gone at once, as by a lost node; a new one takes its address. */
async function killInference({ stack, prometheus, targets }: Scene): Promise<() => Promise<void>> {
  const [process] = stack.inference;
  process!.child.kill('SIGKILL');
  await once(process!.child, 'exit');
  return async () => {
    await stack.startInference();
    await prometheus.setTargets(targets());
  };
}

/** SIGSTOP for every other 0.8 s: as slow as a throttled container. */
async function pauseInferenceAgainAndAgain({ stack }: Scene): Promise<() => Promise<void>> {
  const { child } = stack.inference[0]!;
  let stopped = false;
  const timer = setInterval(() => {
    stopped = !stopped;
    child.kill(stopped ? 'SIGSTOP' : 'SIGCONT');
  }, 800);
  return async () => {
    clearInterval(timer);
    child.kill('SIGCONT');
  };
}

/** The session's vectors are another model's, as after a change of MODEL_PACK. */
async function pretendOtherModel({ stack }: Scene): Promise<() => Promise<void>> {
  const setModel = (model: string) =>
    withClient(stack, (client) =>
      client.query('update sessions set model_id = $1 where session_id = $2', [model, SESSION]),
    );
  const [{ model_id: model }] = (
    await withClient(stack, (client) => client.query('select model_id from sessions where session_id = $1', [SESSION]))
  ).rows;
  await setModel('another-1');
  return async () => void (await setModel(model));
}

/**
 * An upgrade leaves out the pack that the sessions were indexed with: the migrator refuses, and the version that runs
 * goes on.
 */
async function migrateWithoutModel({ stack }: Scene): Promise<() => Promise<void>> {
  await assert.rejects(stack.migrate({ MODEL_PACKS: 'arcface' }), /MODEL_PACKS makes arcface-1: it would leave \d+ of/);
  return () => stack.migrate();
}

/** Prometheus loses its targets, as by a PodMonitor that selects nothing. */
async function stopScraping({ prometheus, targets }: Scene): Promise<() => Promise<void>> {
  await prometheus.setTargets(targets().filter(({ job }) => job !== 'facepass-api'));
  return () => prometheus.setTargets(targets());
}

/** Somebody's open transaction holds the table that every call reads, and clients go on calling. */
async function lockSessions({ stack }: Scene): Promise<() => Promise<void>> {
  const release = await hold(stack, 'lock table sessions in access exclusive mode');
  let over = false;
  const askStatus = async () => {
    while (!over)
      await fetch(`${stack.url}/api/v1/search/status/${SESSION}`, { signal: AbortSignal.timeout(20_000) }).catch(
        () => undefined,
      );
  };
  const asking = Promise.all(Array.from({ length: 8 }, askStatus));
  return async () => {
    over = true;
    await release();
    await asking;
  };
}

/** Somebody's open transaction holds the lock of a session whose time is over. */
async function blockSweep({ stack }: Scene): Promise<() => Promise<void>> {
  await withClient(stack, (client) =>
    client.query(`insert into sessions (session_id, photo_count, face_count, model_id, last_indexed, created_at, expires_at)
                  values ('overdue', 0, 0, 'sface-3', now(), now(), now() - interval '1 day')`),
  );
  return hold(stack, `select pg_advisory_xact_lock(hashtextextended('overdue', 7))`);
}

async function hold({ database }: Scene['stack'], statement: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('begin');
  await client.query(statement);
  return async () => {
    await client.query('rollback');
    await client.end();
  };
}

async function withClient<Result>(
  { database }: { database: { url: string } },
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
