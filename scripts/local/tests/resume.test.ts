import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pg from 'pg';
import { startApiProcess } from '../../../services/api/tests/api-process.ts';
import { PEOPLE, portrait } from '../../../services/api/tests/people.ts';
import { createMigratedDatabase, KEY } from '../../../services/api/tests/service.ts';
import { startInferenceProcess } from '../../../services/inference/tests/inference-process.ts';
import { facepass } from './local-facepass.ts';

/** `npm run test:resume` takes 10,000. */
const FILES = Number(process.env['FACEPASS_TEST_RESUME_FILES'] ?? 150);
const KILLS = 5;
const PARALLEL = 4;
const scratch = mkdtempSync(join(tmpdir(), 'facepass-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

test(
  `a folder of ${FILES} photos, its index killed ${KILLS} times: every photo is there once, with its face`,
  { timeout: 3_600_000 },
  async (t) => {
    const folder = join(scratch, 'photos');
    await makePhotos(folder, FILES);
    await using database = await createMigratedDatabase();
    await using inference = await startInferenceProcess();
    await using api = await startApiProcess({
      DATABASE_URL: database.url,
      DATABASE_POOL_SIZE: database.engine === 'embedded' ? '1' : '10',
      INFERENCE_ADDRESS: inference.address,
      INFERENCE_TIMEOUT_MS: '120000',
      RATE_LIMIT_WRITES_PER_MINUTE: '0',
    });
    const environment = {
      ...process.env,
      FACEPASS_URL: api.url,
      FACEPASS_API_KEY: KEY,
      XDG_STATE_HOME: join(scratch, 'state'),
    };
    const args = ['index', folder, '--session', 'killed', '--parallel', String(PARALLEL)];
    const startedMs = performance.now();
    const acknowledged: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const killed = await facepass(args, environment, {
        killAfterLines: Math.max(1, Math.floor(FILES / (KILLS + 1))),
      });
      assert.equal(killed.code, null, `run ${kill} was not killed but ended: ${killed.stderr}`);
      acknowledged.push(...photosOf(killed.stdout));
    }
    const last = await facepass(args, environment);
    assert.equal(last.code, 0, last.stderr);
    acknowledged.push(...photosOf(last.stdout));
    const seconds = (performance.now() - startedMs) / 1000;

    const stored = await readFaces(database.url);
    const expected = Array.from({ length: FILES }, (_, n) => nameOf(n)).sort();
    assert.deepEqual(
      stored.map(({ photo_id }) => photo_id).sort(),
      expected,
      'each photo once, each with its one face',
    );
    const status = JSON.parse((await facepass(['status', '--session', 'killed', '--json'], environment)).stdout);
    assert.deepEqual([status.photo_count, status.face_count], [FILES, FILES]);
    assert.deepEqual(
      acknowledged.filter((name, place) => acknowledged.indexOf(name) !== place),
      [],
      'what was acknowledged was not sent again',
    );
    assert.ok(
      FILES - new Set(acknowledged).size <= KILLS * PARALLEL,
      'only photos under way at a kill lack their line',
    );
    const again = await facepass(args, environment);
    assert.equal(JSON.parse(again.stdout.trim().split('\n').at(-1)!).totals.unchanged, FILES);
    t.diagnostic(
      `${FILES} photos in ${seconds.toFixed(0)} s, ${(FILES / seconds).toFixed(1)} a second, ${KILLS} kills included`,
    );
  },
);

/**
 * Small pictures of one face each; no two files have the same bytes, since each carries its number in a JPEG comment.
 */
async function makePhotos(folder: string, count: number): Promise<void> {
  mkdirSync(folder);
  const portraits = await Promise.all(Array.from({ length: PEOPLE }, (_, person) => portrait(person)));
  for (let n = 0; n < count; n++) {
    const text = Buffer.from(`photo ${n}`);
    const comment = Buffer.from([0xff, 0xfe, 0, text.length + 2, ...text]);
    const picture = portraits[n % PEOPLE]!;
    writeFileSync(join(folder, nameOf(n)), Buffer.concat([picture.subarray(0, 2), comment, picture.subarray(2)]));
  }
}

function nameOf(n: number): string {
  return `${String(n).padStart(5, '0')}.jpg`;
}

/** Photos whose line came out whole before the kill. */
function photosOf(stdout: string): string[] {
  return [...stdout.matchAll(/^\{"photo_id":"([^"]+)","outcome":"indexed".*\}$/gm)].map(([, photoId = '']) => photoId);
}

async function readFaces(url: string): Promise<{ photo_id: string }[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(`select photo_id from faces where session_id = 'killed'`)).rows;
  } finally {
    await client.end();
  }
}
