import { answerOf, type components } from '@facepass/client';
import { clientOf, type Connection } from '../connection.ts';
import { EXIT, type ExitCode } from '../failures.ts';
import { exitCodeOf, followJob, lineOf, type Job } from '../follow-job.ts';

interface JsonOption {
  json?: boolean;
}

interface FollowOptions extends JsonOption {
  follow?: boolean;
}

/** `facepass jobs list`: the jobs of a session, newest first. */
export async function listJobs(
  { session, json }: JsonOption & { session: string },
  connection: Connection,
): Promise<ExitCode> {
  const client = clientOf(connection);
  let found = 0;
  for (let cursor: string | undefined; ;) {
    const query = { session_id: session, limit: 100, cursor };
    const { jobs, next_cursor } = answerOf(await client.GET('/api/v1/jobs', { params: { query } }));
    for (const job of jobs)
      console.log(json ? JSON.stringify(job) : `${job.job_id}  ${job.created_at}  ${lineOf(job)}`);
    found += jobs.length;
    if (next_cursor === null) break;
    cursor = next_cursor;
  }
  if (found === 0 && !json) console.log(`Session "${session}" has no jobs.`);
  return EXIT.done;
}

/** `facepass jobs show`: one job and the photos that failed. */
export async function showJob(
  id: string,
  { follow, json }: FollowOptions,
  connection: Connection,
  signal: AbortSignal,
): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  if (follow) exitCode = await followJob(id, { json, signal }, connection);
  else {
    const job = answerOf(await clientOf(connection).GET('/api/v1/jobs/{job_id}', { params: { path: { job_id: id } } }));
    printJob(job, json);
    if (job.ended_at) exitCode = exitCodeOf(job);
  }
  if (!json && !signal.aborted && exitCode !== EXIT.unavailable) await printFailures(id, connection);
  return exitCode;
}

/** `facepass jobs retry`: what failed, once more. */
export async function retryJob(
  id: string,
  { follow, json }: FollowOptions,
  connection: Connection,
  signal: AbortSignal,
): Promise<ExitCode> {
  const job = answerOf(
    await clientOf(connection).POST('/api/v1/jobs/{job_id}/retry', { params: { path: { job_id: id } } }),
  );
  if (follow) return followJob(id, { json, signal }, connection);
  printJob(job, json);
  return EXIT.done;
}

/** `facepass jobs cancel`: what is pending is not indexed any more; what is indexed stays. */
export async function cancelJob(id: string, { json }: JsonOption, connection: Connection): Promise<ExitCode> {
  const job = answerOf(
    await clientOf(connection).DELETE('/api/v1/jobs/{job_id}', { params: { path: { job_id: id } } }),
  );
  printJob(job, json);
  return EXIT.done;
}

function printJob(job: Job, json: boolean | undefined): void {
  console.log(json ? JSON.stringify(job) : `Job ${job.job_id} of session "${job.session_id}": ${lineOf(job)}`);
}

async function printFailures(id: string, connection: Connection): Promise<void> {
  const params = { path: { job_id: id }, query: { state: 'failed' as const, limit: SHOWN } };
  const { photos, next_cursor } = answerOf(await clientOf(connection).GET('/api/v1/jobs/{job_id}/photos', { params }));
  for (const photo of photos) console.log(failureOf(photo));
  if (next_cursor) console.log(`  … GET /api/v1/jobs/${id}/photos?state=failed lists all of them`);
}

const SHOWN = 20;

function failureOf({ photo_id, code, detail }: components['schemas']['JobPhotoState']): string {
  return `  failed  ${photo_id}: ${detail} (${code})`;
}
