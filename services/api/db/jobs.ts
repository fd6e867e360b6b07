import {
  addPhotos,
  cancelRest,
  nextPosition,
  queuePhotos,
  queueSlices,
  PART_PHOTOS,
  SLICE_PHOTOS,
} from '@facepass/indexing/db/jobs';
import { queryRows, withTransaction, type Client, type Pool } from '@facepass/indexing/db/pool';
import { ApiProblem } from '@facepass/indexing/errors';
import type { Queue } from '@facepass/indexing/queue';

/** A job with the counts of its photos. */
export interface JobRow {
  id: string;
  session_id: string;
  s3_prefix: string | null;
  created_at: Date;
  received_at: Date | null;
  listed_at: Date | null;
  cancelled_at: Date | null;
  ended_at: Date | null;
  problem_code: string | null;
  problem_detail: string | null;
  pending: number;
  indexed: number;
  without_face: number;
  failed: number;
  cancelled: number;
  ended_lately: number;
  oldest_pending: Date | null;
}

export interface NewJob {
  sessionId: string;
  expiresAt: string | undefined;
  s3Prefix: string | undefined;
  actor: string;
  idempotencyKey: string | undefined;
}

/** Begins a job that nobody sees until `receiveJob`; returns its id. */
export async function beginJob(pool: Pool, job: NewJob): Promise<string> {
  const values = [job.sessionId, job.expiresAt ?? null, job.s3Prefix ?? null, job.actor, job.idempotencyKey ?? null];
  const [row] = await queryRows<{ id: string }>(pool, BEGIN_JOB, values);
  return row!.id;
}

/** Removes a job whose request broke off. */
export async function dropJob(pool: Pool, id: string): Promise<void> {
  await queryRows(pool, 'delete from jobs where id = $1 and received_at is null', [id]);
}

export { addPhotos };

/**
 * The job is whole: it is queued, or is another one's twin.
 * @returns its id; of two requests with one key and content, that of the first
 * @throws ApiProblem idempotency_key_reused when the earlier request had other content
 */
export async function receiveJob(
  pool: Pool,
  queue: Queue,
  job: {
    id: string;
    actor: string;
    sessionId: string;
    idempotencyKey: string | undefined;
    hash: string;
    isListed: boolean;
  },
): Promise<string> {
  const twin = await withTransaction(pool, async (client) => {
    if (job.idempotencyKey !== undefined) {
      await queryRows(client, LOCK_KEY, [JSON.stringify([job.actor, job.idempotencyKey])]);
      const [earlier] = await queryRows<Twin>(client, TWIN, [job.actor, job.idempotencyKey]);
      if (earlier) return earlier;
    }
    await queryRows(client, RECEIVE_JOB, [job.id, job.hash, job.isListed]);
    if (!job.isListed) await queue.addListing(client, job.id);
    else await queuePhotos(client, queue, job, { from: 0, to: await nextPosition(client, job.id) });
    return null;
  });
  if (!twin) return job.id;
  await dropJob(pool, job.id);
  if (twin.request_hash === job.hash) return twin.id;
  throw new ApiProblem('idempotency_key_reused', 'An earlier request with this Idempotency-Key had other content.');
}

/** The job with its counts, or null. */
export async function readJob(pool: Pool | Client, id: string): Promise<JobRow | null> {
  const [row] = await queryRows<JobRow>(pool, `${JOBS} where j.id = $1 and j.received_at is not null`, [id]);
  return row ?? null;
}

/** The jobs of a session, newest first, from behind `after` on: one more than `limit`, if there are so many. */
export async function listJobs(
  pool: Pool,
  sessionId: string,
  limit: number,
  after: string[] | null,
): Promise<JobRow[]> {
  const [at, id] = after ?? [null, null];
  return queryRows<JobRow>(pool, LIST_JOBS, [sessionId, limit + 1, at, id]);
}

export interface JobPhotoRow {
  position: number;
  photo_id: string;
  s3_key: string;
  state: 'pending' | 'indexed' | 'without_face' | 'failed' | 'cancelled';
  faces: number | null;
  code: string | null;
  detail: string | null;
}

/** Photos of a job behind the position `after`, of one state or all: one more than `limit`, if there are so many. */
export async function listJobPhotos(
  pool: Pool,
  id: string,
  state: string | undefined,
  limit: number,
  after: number,
): Promise<JobPhotoRow[]> {
  return queryRows<JobPhotoRow>(pool, LIST_PHOTOS, [id, state ?? null, limit + 1, after]);
}

/**
 * Queues what failed of a job once more, in parts, each committed: a call that breaks off may be sent again.
 * @throws ApiProblem job_cancelled
 */
export async function retryJob(pool: Pool, queue: Queue, id: string): Promise<void> {
  while (await withTransaction(pool, (client) => retryPart(client, queue, id)));
}

/** Whether there may be more. */
async function retryPart(client: Client, queue: Queue, id: string): Promise<boolean> {
  const [job] = await queryRows<LockedJob>(client, LOCK_JOB, [id]);
  if (!job || job.cancelled_at)
    throw new ApiProblem('job_cancelled', 'The job was cancelled; nothing of it is retried.');
  const failed = await queryRows<{ position: number }>(client, RETRY_PHOTOS, [id, PART_PHOTOS]);
  if (failed.length === 0 && !job.listing_failed) return false;
  await queryRows(client, REOPEN_JOB, [id]);
  if (job.listing_failed) await queue.addListing(client, id);
  const slices = [...new Set(failed.map(({ position }) => Math.floor(position / SLICE_PHOTOS)))]
    .toSorted((left, right) => left - right)
    .map((slice) => ({ job: id, from: slice * SLICE_PHOTOS, to: (slice + 1) * SLICE_PHOTOS }));
  if (slices.length > 0) await queueSlices(client, queue, { id, sessionId: job.session_id }, slices);
  return failed.length === PART_PHOTOS;
}

/** Cancels what is pending of a job; what is under work at this moment still ends. */
export async function cancelJob(pool: Pool, id: string, actor: string): Promise<void> {
  await withTransaction(pool, async (client) => {
    await actAs(client, actor);
    const [job] = await queryRows<LockedJob>(client, LOCK_JOB, [id]);
    if (!job || job.ended_at) return;
    await cancelRest(client, id, { code: 'job_cancelled', detail: 'The job was cancelled.' });
    await queryRows(client, UNQUEUE, [id]);
  });
}

/** For the audit log. */
async function actAs(client: Client, actor: string): Promise<void> {
  await queryRows(client, `select set_config('facepass.actor', $1, true)`, [actor]);
}

interface LockedJob {
  session_id: string;
  cancelled_at: Date | null;
  ended_at: Date | null;
  listing_failed: boolean;
}

interface Twin {
  id: string;
  request_hash: string;
}

const BEGIN_JOB = `
  insert into jobs (session_id, expires_at, s3_prefix, created_by, idempotency_key, last_erasure)
  values ($1::varchar, $2, $3, $4, $5, (select coalesce(max(id), 0) from erasures where session_id = $1::varchar))
  returning id`;
const LOCK_KEY = 'select pg_advisory_xact_lock(hashtextextended($1, 16))';
const TWIN = `
  select id, request_hash from jobs where created_by = $1 and idempotency_key = $2 and received_at is not null`;
const RECEIVE_JOB = `
  update jobs set received_at = now(), request_hash = $2, listed_at = case when $3 then now() end where id = $1`;
const JOBS = `
  select j.id, j.session_id, j.s3_prefix, j.created_at, j.received_at, j.listed_at, j.cancelled_at, j.ended_at,
         j.problem_code, j.problem_detail, counts.*
    from jobs j cross join lateral (
      select count(*) filter (where state = 'pending' and j.cancelled_at is null)::integer as pending,
             count(*) filter (where state = 'indexed')::integer as indexed,
             count(*) filter (where state = 'without_face')::integer as without_face,
             count(*) filter (where state = 'failed')::integer as failed,
             count(*) filter (where state = 'cancelled' or (state = 'pending' and j.cancelled_at is not null))::integer as cancelled,
             count(*) filter (where job_photos.ended_at > now() - interval '1 minute' and state <> 'cancelled')::integer as ended_lately,
             min(queued_at) filter (where state = 'pending' and j.cancelled_at is null) as oldest_pending
        from job_photos where job_id = j.id) as counts`;
const LIST_JOBS = `${JOBS}
   where j.session_id = $1 and j.received_at is not null
     and ($3::text is null or (j.created_at, j.id) < ($3::timestamptz, $4::uuid))
   order by j.created_at desc, j.id desc limit $2`;
const LIST_PHOTOS = `
  select * from (
    select position, photo_id, s3_key, faces,
           case when state = 'pending' and j.cancelled_at is not null then 'cancelled' else state end as state,
           coalesce(code, case when state = 'pending' and j.cancelled_at is not null then j.problem_code end) as code,
           coalesce(detail, case when state = 'pending' and j.cancelled_at is not null then j.problem_detail end) as detail
      from job_photos join jobs j on j.id = job_id where job_id = $1) as photo
   where ($2::text is null or state = $2) and position > $4 order by position limit $3`;
const LOCK_JOB = `
  select session_id, cancelled_at, ended_at, problem_code is not null as listing_failed
    from jobs where id = $1 and received_at is not null for update`;
const RETRY_PHOTOS = `
  update job_photos set state = 'pending', code = null, detail = null, ended_at = null, queued_at = now()
   where job_id = $1 and position in (
     select position from job_photos where job_id = $1 and state = 'failed' order by position limit $2) returning position`;
const REOPEN_JOB = `
  update jobs set ended_at = null, listed_at = case when problem_code is null then listed_at end,
                  problem_code = null, problem_detail = null where id = $1`;
const UNQUEUE = `
  delete from facepass_queue.job where name in ('index', 'list') and state < 'active' and data ->> 'job' = $1::text`;
