import { setTimeout as sleep } from 'node:timers/promises';
import type { MigratorConfig } from './config.ts';
import { backendOf, openObserver, type Client } from './database.ts';
import type { Progress, StatementProgress } from './progress.ts';

/**
 * Runs `work`, a step's statements on `client`, and periodically reports the progress of the running statement. It
 * queries over a second connection, opened when a step turns out to be long; without one it reports only the elapsed
 * time.
 */
export async function watched<Result>(client: Client, step: WatchedStep, work: () => Promise<Result>): Promise<Result> {
  const ended = new AbortController();
  const watching = watch(await backendOf(client), step, ended.signal);
  try {
    return await work();
  } finally {
    ended.abort();
    await watching;
  }
}

export interface WatchedStep {
  name: string;
  config: MigratorConfig;
  progress: Progress;
  /** The embedded database has one backend, which a second connection would wait for. */
  embedded: boolean;
}

async function watch(
  pid: number,
  { name, config, progress, embedded }: WatchedStep,
  ended: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  let observer: Client | undefined;
  for (;;) {
    await sleep(progress.everyMs, undefined, { signal: ended }).catch(() => {});
    if (ended.aborted) break;
    const seen = await (async () => {
      if (embedded) return {};
      observer ??= await openObserver(config.connection);
      return statementOf(observer, pid);
    })().catch(() => ({}));
    if (!ended.aborted)
      progress.statement(name, { elapsed_s: Math.round((performance.now() - startedAt) / 1000), ...seen });
  }
  await observer?.end().catch(() => {});
}

async function statementOf(observer: Client, pid: number): Promise<Omit<StatementProgress, 'elapsed_s'>> {
  const { rows } = await observer.query<Partial<Statement>>(STATEMENT, [pid]);
  const { phase, waits_for, done, total } = rows[0] ?? {};
  return {
    ...(phase && { phase }),
    ...(waits_for && { waits_for }),
    ...(Number(total) > 0 && { rows: { rows_done: Number(done), rows_total: Number(total) } }),
  };
}

interface Statement {
  phase: string;
  waits_for: string;
  done: string;
  total: string;
}

// Every index build reads the table by pages; only some phases count rows.
const STATEMENT = `
  select phase, case when wait_event_type = 'Lock' then 'Lock: ' || wait_event end as waits_for,
    case when tuples_total > 0 then tuples_done else blocks_done end as done,
    case when tuples_total > 0 then tuples_total else blocks_total end as total
  from pg_stat_activity left join pg_stat_progress_create_index using (pid) where pid = $1`;
