import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  jobId,
  jobPhotosFields,
  jobsFields,
  type Job,
  type JobPhotosAnswer,
  type JobsAnswer,
} from '@facepass/contracts/http';
import { ApiProblem } from '@facepass/indexing/errors';
import { exchangeOf } from '@facepass/runtime/http-server';
import type { Request, RequestHandler, Response } from 'express';
import * as z from 'zod';
import type { Context } from '../context.ts';
import { pageOf, placeOf } from '../cursor.ts';
import {
  addPhotos,
  beginJob,
  cancelJob,
  dropJob,
  listJobPhotos,
  listJobs,
  readJob,
  receiveJob,
  retryJob,
  type JobRow,
} from '../db/jobs.ts';
import { readJobRequest, type IncomingJob } from '../job-request.ts';
import { fieldProblem, parametersOf, validated } from '../validation.ts';

/** POST /api/v1/jobs: photos of the bucket, as many as 100,000, to be indexed by the indexers. */
export function createJob(context: Context): RequestHandler {
  return async (request, response) => {
    const idempotencyKey = idempotencyKeyOf(request);
    await context.queue.requireUsable();
    const incoming = await readJobRequest(request, context.imageMemory);
    if (!context.storage)
      throw new ApiProblem('s3_not_configured', 'This service has no bucket; upload the photos one by one.');
    const id = await receive(context, incoming, { actor: actorOf(response), idempotencyKey });
    await answerJob(context, id, response.status(202).location(`/api/v1/jobs/${id}`));
  };
}

interface Sender {
  actor: string;
  idempotencyKey: string | undefined;
}

/** Photos are stored as they arrive; the job begins with the last of them, or leaves nothing. */
async function receive({ pool, queue }: Context, { head, photos }: IncomingJob, sender: Sender): Promise<string> {
  const job = { sessionId: head.session_id, expiresAt: head.expires_at, s3Prefix: head.s3_prefix, ...sender };
  const hash = createHash('sha256').update(JSON.stringify([head.session_id, head.expires_at, head.s3_prefix]));
  const id = await beginJob(pool, job);
  try {
    let position = 0;
    for await (const chunk of photos ?? []) {
      for (const { photo_id, s3_key } of chunk) hash.update(JSON.stringify([photo_id, s3_key]));
      await addPhotos(pool, id, position, chunk);
      position += chunk.length;
    }
    return await receiveJob(pool, queue, { ...job, id, hash: hash.digest('hex'), isListed: photos !== null });
  } catch (error) {
    await dropJob(pool, id).catch(() => undefined);
    throw error;
  }
}

function idempotencyKeyOf(request: Request): string | undefined {
  const key = request.get('idempotency-key');
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key))
    throw fieldProblem('Idempotency-Key', 'must be 1 to 255 visible ASCII characters');
  return key;
}

function actorOf(response: Response): string {
  return response.locals.key?.name ?? 'unknown';
}

/** GET /api/v1/jobs?session_id=: the jobs of a session, newest first. */
export function sessionJobs({ pool, queue }: Context): RequestHandler {
  return async (request, response) => {
    const { session_id, limit, cursor } = validated(jobsFields, parametersOf(request));
    await queue.requireUsable();
    const rows = await listJobs(pool, session_id, limit, placeOf(cursor, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/, UUID));
    const { page, next_cursor } = pageOf(rows, limit, (row) => [row.created_at.toISOString(), row.id]);
    response.json({ jobs: page.map(present), next_cursor } satisfies JobsAnswer);
  };
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const oneJob = z.strictObject({ job_id: jobId });

/** GET /api/v1/jobs/{job_id} */
export function jobStatus(context: Context): RequestHandler {
  return async (request, response) => {
    const { job_id } = validated(oneJob, parametersOf(request));
    await answerJob(context, job_id, response);
  };
}

/** GET /api/v1/jobs/{job_id}/photos?state=: the photos of a job, a page at a time. */
export function jobPhotos(context: Context): RequestHandler {
  return async (request, response) => {
    const { job_id, state, limit, cursor } = validated(jobPhotosToList, parametersOf(request));
    await requireJob(context, job_id);
    const [after] = placeOf(cursor, /^\d{1,9}$/) ?? ['-1'];
    const rows = await listJobPhotos(context.pool, job_id, state, limit, Number(after));
    const { page, next_cursor } = pageOf(rows, limit, (row) => [String(row.position)]);
    const photos = page.map(({ position: _, faces, ...row }) => ({ ...row, faces_detected: faces }));
    response.json({ job_id, photos, next_cursor } satisfies JobPhotosAnswer);
  };
}

const jobPhotosToList = jobPhotosFields.extend({ job_id: jobId });

/** POST /api/v1/jobs/{job_id}/retry: what failed, once more. */
export function retryFailed(context: Context): RequestHandler {
  return async (request, response) => {
    const { job_id } = validated(oneJob, parametersOf(request));
    await requireJob(context, job_id);
    await retryJob(context.pool, context.queue, job_id);
    await answerJob(context, job_id, response.status(202));
  };
}

/** DELETE /api/v1/jobs/{job_id}: what is pending is not indexed any more. */
export function deleteJob(context: Context): RequestHandler {
  return async (request, response) => {
    const { job_id } = validated(oneJob, parametersOf(request));
    await requireJob(context, job_id);
    await cancelJob(context.pool, job_id, actorOf(response));
    await answerJob(context, job_id, response);
  };
}

/**
 * GET /api/v1/jobs/{job_id}/events: the job as server-sent events, whenever it changed, until it has ended. A stream ends
 * after ten minutes, and when the process stops; the client then comes again.
 */
export function jobEvents(context: Context): RequestHandler {
  let streams = 0;
  return async (request, response) => {
    const { job_id } = validated(oneJob, parametersOf(request));
    let job = await requireJob(context, job_id);
    if (streams >= STREAMS_LIMIT)
      throw new ApiProblem('overloaded', `This process serves ${STREAMS_LIMIT} event streams already.`);
    streams += 1;
    try {
      const { left } = exchangeOf(response);
      const end = performance.now() + STREAM_MS;
      response
        .status(200)
        .set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
      for (let last = ''; ; job = await requireJob(context, job_id)) {
        const text = JSON.stringify(present(job));
        // A line that is no event keeps proxies from ending a stream that is silent.
        response.write(text === last ? ':\n\n' : `event: job\ndata: ${text}\n\n`);
        last = text;
        if (job.ended_at || context.draining || left.aborted || performance.now() > end) break;
        await delay(STREAM_PAUSE_MS, undefined, { signal: left }).catch(() => undefined);
      }
      response.end();
    } finally {
      streams -= 1;
    }
  };
}

const STREAMS_LIMIT = 100;
const STREAM_MS = 600_000;
const STREAM_PAUSE_MS = 1000;

async function requireJob({ pool, queue }: Context, id: string): Promise<JobRow> {
  await queue.requireUsable();
  const job = await readJob(pool, id);
  if (!job) throw new ApiProblem('job_not_found', `There is no job ${id}.`);
  return job;
}

async function answerJob(context: Context, id: string, response: Response): Promise<void> {
  response.json(present(await requireJob(context, id)));
}

function present(row: JobRow): Job {
  const { pending, indexed, without_face, failed, cancelled } = row;
  const rate = row.ended_at ? 0 : row.ended_lately / 60;
  const end = pending > 0 && rate > 0 ? new Date(Date.now() + (pending / rate) * 1000) : null;
  return {
    job_id: row.id,
    session_id: row.session_id,
    state: stateOf(row),
    s3_prefix: row.s3_prefix,
    total: pending + indexed + without_face + failed + cancelled,
    pending,
    indexed,
    without_face,
    failed,
    cancelled,
    photos_per_second: Math.round(rate * 100) / 100,
    estimated_end: end?.toISOString() ?? null,
    oldest_pending: row.oldest_pending?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
    code: row.problem_code,
    detail: row.problem_detail,
  };
}

function stateOf(row: JobRow): Job['state'] {
  if (row.cancelled_at) return 'cancelled';
  if (!row.listed_at) return 'listing';
  if (!row.ended_at) return 'running';
  return row.problem_code ? 'failed' : 'finished';
}
