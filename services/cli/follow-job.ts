import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import { answerOf, patientFetch, Problem, createFacepassClient, type components } from '@facepass/client';
import type { Connection } from './connection.ts';
import { EXIT, type ExitCode } from './failures.ts';
import { counted, durationText } from './progress.ts';

export type Job = components['schemas']['Job'];

/**
 * Reports the job until it ends, in a line for people or one JSON line per change. An interruption, or a service that is
 * away for two minutes, ends the command and leaves the job as it is; the last line says how to look again.
 */
export async function followJob(
  id: string,
  { json = false, signal }: { json?: boolean; signal: AbortSignal },
  connection: Connection,
): Promise<ExitCode> {
  const progress = json || !process.stderr.isTTY ? changes(json) : oneLine(process.stderr);
  try {
    for (;;) {
      const job = await readPatiently(id, connection, signal);
      progress(job);
      if (job.ended_at) return exitCodeOf(job);
      await delay(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    const isAway = error instanceof Problem && error.isTransient;
    if (!signal.aborted && !isAway) throw error;
    const reason = signal.aborted
      ? 'The job continues without this command.'
      : `${(error as Error).message} The job is kept.`;
    console.error(`${process.stderr.isTTY ? '\n' : ''}${reason} Look again with: facepass jobs show ${id} --follow`);
    return signal.aborted ? EXIT.interrupted : EXIT.unavailable;
  }
}

/** Half as often as the smallest limit of calls a minute would allow. */
const POLL_MS = 2000;
const AWAY_MS = 120_000;

/** What ends with photos that are not indexed is not done. */
export function exitCodeOf({ state, failed }: Job): ExitCode {
  return state === 'finished' && failed === 0 ? EXIT.done : EXIT.incomplete;
}

/** A client that waits as long as an update of the service takes; `signal` ends its calls. */
export function patientClient({ url, apiKey }: Connection) {
  return createFacepassClient({
    baseUrl: url,
    apiKey,
    fetch: patientFetch({ attempts: 8, longestWaitMs: 30_000 }),
  });
}

async function readPatiently(id: string, connection: Connection, signal: AbortSignal): Promise<Job> {
  const client = patientClient(connection);
  const startedMs = performance.now();
  for (;;) {
    try {
      return answerOf(await client.GET('/api/v1/jobs/{job_id}', { params: { path: { job_id: id } }, signal }));
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'network' || performance.now() - startedMs > AWAY_MS)
        throw error;
      await delay(POLL_MS, undefined, { signal });
    }
  }
}

function changes(json: boolean): (job: Job) => void {
  let last = '';
  return (job) => {
    const text = json ? JSON.stringify(job) : lineOf(job);
    if (text !== last) console.log(text);
    last = text;
  };
}

function oneLine(stream: NodeJS.WriteStream): (job: Job) => void {
  return (job) => {
    stream.write(`\r\x1b[K${lineOf(job).slice(0, (stream.columns || 80) - 1)}`);
    if (!job.ended_at) return;
    stream.write('\r\x1b[K');
    console.log(lineOf(job));
    if (job.failed > 0)
      console.log(`${styleText('red', `${counted(job.failed)} failed`)}: facepass jobs show ${job.job_id}`);
  };
}

/** For example `running: 120 of 1,000 photos · 3 without a face · 1 failed · 8.3 per second · 1 min 46 s left`. */
export function lineOf(job: Job, now = Date.now()): string {
  const done = job.total - job.pending;
  const parts = [`${job.state}: ${counted(done)} of ${counted(job.total)} photos`];
  if (job.state === 'listing') parts[0] = `listing: ${counted(job.total)} photos found, ${counted(done)} done`;
  if (job.without_face) parts.push(`${counted(job.without_face)} without a face`);
  if (job.failed) parts.push(`${counted(job.failed)} failed`);
  if (job.cancelled) parts.push(`${counted(job.cancelled)} cancelled`);
  if (!job.ended_at && job.photos_per_second > 0) parts.push(`${job.photos_per_second.toFixed(1)} per second`);
  if (job.estimated_end) parts.push(`${durationText(Math.max(0, (Date.parse(job.estimated_end) - now) / 1000))} left`);
  if (job.detail) parts.push(job.detail);
  return parts.join(' · ');
}
