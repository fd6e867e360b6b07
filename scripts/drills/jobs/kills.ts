import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Job } from '@facepass/contracts/http';
import fc from 'fast-check';
import { emptyScene, PEOPLE, portrait } from '../../../services/api/tests/people.ts';
import { rowsOf } from '../soak/watch.ts';
import { KEY, startInstallation, type Installation } from './installation.ts';

export interface KillsOptions {
  /** The folder of PostgreSQL's programs. */
  bin: string;
  photos: number;
  kills: number;
  seed: number;
  tell(line: string): void;
}

/**
 * Runs one job through random kills, spread evenly over its photos.
 * @throws AssertionError where a photo, a face or a count differs from a clean run's
 */
export async function killsDuringAJob({ bin, photos, kills, seed, tell }: KillsOptions): Promise<void> {
  tell(`seed ${seed}`);
  await using installation = await startInstallation(bin);
  const pictures = await fillBucket(installation, photos);
  const clean = await createJob(installation, 'clean', pictures);
  await follow(installation, clean, () => Promise.resolve(), pictures);
  const wanted = await facesOf(installation, 'clean');

  const startedMs = performance.now();
  const job = await createJob(installation, 'killed', photos);
  const victims = fc.sample(fc.record({ server: fc.nat(installation.servers.length - 1), awayMs: fc.nat(3000) }), {
    seed,
    numRuns: kills,
  });
  let killed = 0;
  const ended = await follow(
    installation,
    job,
    async ({ total, pending }) => {
      while (killed < victims.length && total - pending >= ((killed + 1) * total) / (victims.length + 1)) {
        const { server, awayMs } = victims[killed++]!;
        const victim = installation.servers[server]!;
        await victim.kill();
        await delay(awayMs);
        await victim.start();
        tell(`${killed} of ${kills}: ${victim.name} was away for ${awayMs} ms; ${total - pending} of ${total} photos`);
      }
    },
    photos,
  );
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  assert.ok(killed >= 0.9 * kills, `the job ended after ${killed} kills: --photos`);
  assert.deepEqual([ended.state, ended.failed, ended.cancelled], ['finished', 0, 0]);
  await compare(installation, wanted, { photos, pictures });
  tell(`${photos} photos and ${killed} kills in ${seconds} s: every face is that of a clean run.`);
}

/** A few pictures under many keys, one of them without a face; how many. */
async function fillBucket({ bucket }: Installation, photos: number): Promise<number> {
  const pictures = [await emptyScene()];
  for (let person = 0; person < PEOPLE; person += 1)
    for (let take = 0; take < 2; take += 1) pictures.push(await portrait(person, take));
  for (let n = 0; n < Math.max(photos, pictures.length); n += 1)
    bucket.objects.set(`/photos/${n}.jpg`, pictures[n % pictures.length]!);
  return pictures.length;
}

/** Sent until it is answered: by the Idempotency-Key it is one job. */
async function createJob({ api }: Installation, session: string, photos: number): Promise<string> {
  const list = Array.from({ length: photos }, (_, n) => ({ photo_id: `${n}`, s3_key: `${n}.jpg` }));
  const answer = await fetch(`http://127.0.0.1:${api.port}/api/v1/jobs`, {
    method: 'POST',
    headers: { 'X-API-Key': KEY, 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': randomUUID() },
    body: [{ session_id: session }, ...list].map((line) => JSON.stringify(line)).join('\n'),
  });
  assert.equal(answer.status, 202, await answer.clone().text());
  return ((await answer.json()) as Job).job_id;
}

/** Looks at the job until it has ended; its states always sum to the total. */
async function follow(
  { api }: Installation,
  id: string,
  look: (job: Job) => Promise<void>,
  photos: number,
): Promise<Job> {
  for (;;) {
    const job = await fetch(`http://127.0.0.1:${api.port}/api/v1/jobs/${id}`, { headers: { 'X-API-Key': KEY } })
      .then(async (answer) => (answer.ok ? ((await answer.json()) as Job) : null))
      .catch(() => null);
    if (job) {
      assert.equal(job.pending + job.indexed + job.without_face + job.failed + job.cancelled, photos);
      if (job.ended_at) return job;
      await look(job);
    }
    await delay(300);
  }
}

interface Face {
  photo_id: string;
  face: string;
}

async function facesOf({ databaseUrl }: Installation, session: string): Promise<Face[]> {
  return rowsOf<Face & Record<string, unknown>>(
    databaseUrl,
    `select photo_id, jsonb_build_object('index', face_index, 'box', box, 'confidence', confidence, 'quality', quality,
            'model', model_id, 'embedding', md5(embedding::text))::text as face
       from faces where session_id = '${session}' order by photo_id, face_index`,
  );
}

async function compare(
  installation: Installation,
  wanted: Face[],
  { photos, pictures }: { photos: number; pictures: number },
): Promise<void> {
  const of = Map.groupBy(wanted, ({ photo_id }) => Number(photo_id));
  const expected = Array.from({ length: photos }, (_, n) =>
    (of.get(n % pictures) ?? []).map(({ face }) => ({ photo_id: `${n}`, face })),
  ).flat();
  const byId = (left: Face, right: Face) => Number(left.photo_id) - Number(right.photo_id);
  const found = await facesOf(installation, 'killed');
  assert.deepEqual(found.toSorted(byId), expected);
  const [session] = await rowsOf<{ photo_count: number; face_count: number }>(
    installation.databaseUrl,
    `select photo_count, face_count from sessions where session_id = 'killed'`,
  );
  assert.deepEqual(
    { ...session },
    { photo_count: new Set(expected.map(({ photo_id }) => photo_id)).size, face_count: expected.length },
  );
}
