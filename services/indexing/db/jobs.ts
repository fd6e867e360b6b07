import type { Queue, Slice } from '../queue.ts';
import { queryRows, type Client, type Pool } from './pool.ts';

/** What an indexer must know of a job before it touches its photos. */
export interface JobToWork {
  session_id: string;
  expires_at: Date | null;
  s3_prefix: string | null;
  listed_to: string | null;
  /** Photos of the session that were erased after this one stay erased. */
  last_erasure: string;
  /** It was cancelled, its session was erased, or its time is over. */
  is_over: boolean;
}

/** The job, or null where it is gone. */
export async function readJobToWork(pool: Pool, id: string): Promise<JobToWork | null> {
  const [job] = await queryRows<JobToWork>(pool, JOB_TO_WORK, [id]);
  return job ?? null;
}

export interface QueuedPhoto {
  position: number;
  photo_id: string;
  s3_key: string;
}

/** The photos of a slice that have not ended. */
export async function pendingPhotos(pool: Pool, { job, from, to }: Slice): Promise<QueuedPhoto[]> {
  return queryRows<QueuedPhoto>(pool, PENDING_PHOTOS, [job, from, to]);
}

export type Outcome =
  | { state: 'indexed'; faces: number }
  | { state: 'without_face' | 'failed' | 'cancelled'; code: string; detail: string };

/** Records how a photo ended; one that ended already, as by a cancellation, stays as it is. */
export async function endPhoto(pool: Pool, job: string, position: number, outcome: Outcome): Promise<void> {
  const { faces, code, detail } = { faces: null, code: null, detail: null, ...outcome };
  await queryRows(pool, END_PHOTO, [job, position, outcome.state, faces, code, detail]);
}

/** Ends the job if none of its photos is pending. Whoever ends the last photo asks afterwards, so one of them sees it. */
export async function endJobIfDone(pool: Pool, job: string): Promise<void> {
  await queryRows(pool, END_JOB, [job]);
}

/**
 * Ends a job: what is pending of it counts as cancelled, without a write for each of a hundred thousand photos, which
 * would outlast a statement's time limit.
 */
export async function cancelRest(
  client: Pool | Client,
  job: string,
  why: { code: string; detail: string },
): Promise<void> {
  await queryRows(client, CANCEL_JOB, [job, why.code, why.detail]);
}

/** Ends the listing of a job whose bucket refuses it. */
export async function failListing(pool: Pool, job: string, why: { code: string; detail: string }): Promise<void> {
  await queryRows(pool, FAIL_LISTING, [job, why.code, why.detail]);
  await endJobIfDone(pool, job);
}

/** Adds photos to a job from `position` on; one that it has already is left out. */
export async function addPhotos(
  client: Pool | Client,
  job: string,
  position: number,
  photos: { photo_id: string; s3_key: string }[],
): Promise<void> {
  const [ids, keys] = [photos.map((photo) => photo.photo_id), photos.map((photo) => photo.s3_key)];
  await queryRows(client, ADD_PHOTOS, [job, position, ids, keys]);
}

/** Notes how far the bucket is listed. */
export async function noteListed(client: Client, job: string, to: string | null, isAll: boolean): Promise<void> {
  await queryRows(client, NOTE_LISTED, [job, to, isAll]);
}

/** How many positions the job has given away. */
export async function nextPosition(client: Client, job: string): Promise<number> {
  const [row] = await queryRows<{ next: number }>(client, NEXT_POSITION, [job]);
  return row?.next ?? 0;
}

/**
 * Puts photos of a job, named by their positions, into the queue. Sessions take turns: the first slice has the turn that
 * the queue is at, or the one behind the session's last, and each further one the next. So ten photos wait for a slice of
 * every other session, not for the fifty thousand that came before them.
 */
export async function queuePhotos(
  client: Client,
  queue: Queue,
  job: { id: string; sessionId: string },
  positions: { from: number; to: number },
): Promise<void> {
  const slices: Slice[] = [];
  for (let from = positions.from; from < positions.to; from += SLICE_PHOTOS)
    slices.push({ job: job.id, from, to: Math.min(from + SLICE_PHOTOS, positions.to) });
  await queueSlices(client, queue, job, slices);
}

/** As `queuePhotos`, of given slices. */
export async function queueSlices(
  client: Client,
  queue: Queue,
  job: { id: string; sessionId: string },
  slices: Slice[],
): Promise<void> {
  const [row] = await queryRows<{ turn: number }>(client, FIRST_TURN, [job.sessionId]);
  const turn = row?.turn ?? 0;
  await queue.addSlices(client, slices, turn);
  await queryRows(client, 'update jobs set last_turn = $2 where id = $1', [job.id, turn + slices.length - 1]);
}

/** What an indexer takes at a time: a few seconds of work, and one look into the queue. */
export const SLICE_PHOTOS = 16;

export interface Backlog {
  pending: number;
  oldest_seconds: number;
  running: number;
}

/** What waits in all jobs together. */
export async function readBacklog(pool: Pool): Promise<Backlog> {
  const [row] = await queryRows<Backlog>(pool, BACKLOG, []);
  return row!;
}

/** Removes jobs that ended, or whose call broke off, more than `days` ago; their photos before, in parts. */
export async function removeOldJobs(pool: Pool, days: number): Promise<void> {
  for (;;) {
    const removed = await queryRows(pool, REMOVE_OLD_PHOTOS, [days, PART_PHOTOS]);
    if (removed.length < PART_PHOTOS) break;
  }
  await queryRows(pool, REMOVE_OLD_JOBS, [days]);
}

/** Photos that one statement changes: some 200 ms. */
export const PART_PHOTOS = 5000;

const JOB_TO_WORK = `
  select session_id, expires_at, s3_prefix, listed_to, last_erasure,
         cancelled_at is not null or coalesce(expires_at <= now(), false)
         or exists (select from erasures e where e.session_id = j.session_id and e.photo_id is null and e.id > j.last_erasure) as is_over
    from jobs j where id = $1`;
const PENDING_PHOTOS = `
  select position, photo_id, s3_key from job_photos
   where job_id = $1 and position >= $2 and position < $3 and state = 'pending' order by position`;
const END_PHOTO = `
  update job_photos set state = $3, faces = $4, code = $5, detail = $6, ended_at = now()
   where job_id = $1 and position = $2 and state = 'pending'`;
const END_JOB = `
  update jobs set ended_at = now()
   where id = $1 and ended_at is null and listed_at is not null
     and not exists (select from job_photos where job_id = $1 and state = 'pending')`;
const CANCEL_JOB = `
  update jobs set cancelled_at = now(), listed_at = coalesce(listed_at, now()), ended_at = coalesce(ended_at, now()),
                  problem_code = $2, problem_detail = $3
   where id = $1 and cancelled_at is null`;
const FAIL_LISTING = `
  update jobs set listed_at = now(), problem_code = $2, problem_detail = $3 where id = $1 and listed_at is null`;
const ADD_PHOTOS = `
  insert into job_photos (job_id, position, photo_id, s3_key)
  select $1, $2 + photo.number - 1, photo.photo_id, photo.s3_key
    from unnest($3::text[], $4::text[]) with ordinality as photo (photo_id, s3_key, number)
  on conflict (job_id, photo_id) do nothing`;
const NOTE_LISTED = `
  update jobs set listed_to = coalesce($2, listed_to), listed_at = case when $3 then now() end where id = $1`;
const NEXT_POSITION = 'select coalesce(max(position) + 1, 0) as next from job_photos where job_id = $1';
const FIRST_TURN = `
  select greatest(
    coalesce((select -max(priority) from facepass_queue.job where name = 'index' and state < 'active'), 0),
    coalesce((select max(last_turn) + 1 from jobs where session_id = $1 and ended_at is null and received_at is not null), 0)) as turn`;
const BACKLOG = `
  select count(*)::float8 as pending, coalesce(extract(epoch from now() - min(queued_at)), 0)::float8 as oldest_seconds,
         (select count(*)::float8 from jobs where ended_at is null and received_at is not null) as running
    from job_photos where state = 'pending' and job_id in (select id from jobs where ended_at is null and received_at is not null)`;
const IS_OLD = `(ended_at < now() - $1::float8 * interval '1 day' or (received_at is null and created_at < now() - interval '1 day'))`;
const REMOVE_OLD_PHOTOS = `
  delete from job_photos where (job_id, position) in (
    select job_id, position from job_photos where job_id in (select id from jobs where ${IS_OLD}) limit $2) returning 1`;
const REMOVE_OLD_JOBS = `delete from jobs where ${IS_OLD}`;
