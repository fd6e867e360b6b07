import { readFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

/**
 * Indexes, searches and erases real photos through a running service, in a session of its own. A model that sees
 * nothing, or the wrong thing, answers 200 as a good one does; so the person of one photo must be found by another
 * photo of the same person, clearly nearer than a stranger; so under each model that is served. `helm test` and the operator run it; exit code 0 means all
 * of it held.
 *
 *   node services/api/smoke-test.ts --key-file FILE [--url http://…] [--photo group.jpg] [--again same-person.jpg] [--stranger other.jpg]
 *     [--wait-seconds 20]
 */
async function smokeTest({ url, waitSeconds, apiKey, photo, again, stranger }: Arguments): Promise<void> {
  await reached(url, waitSeconds);
  for (const model of await servedModels(url)) await recognises(model, { url, apiKey, photo, again, stranger });
}

/** The models that sessions may have; undefined for the default of a service that does not tell. */
async function servedModels(url: string): Promise<(string | undefined)[]> {
  const response = await fetch(new URL('/api/v1/settings', url));
  const { models } = (await response.json()) as { models?: unknown };
  return Array.isArray(models) ? models.map(String) : [undefined];
}

async function recognises(model: string | undefined, { url, apiKey, photo, again, stranger }: Golden): Promise<void> {
  if (model) process.stdout.write(`model ${model}\n`);
  const session = `smoke-test-${randomUUID()}`;
  const api = new URL('/api/v1/', url);
  const headers = { 'X-API-Key': apiKey };
  const index = (photo_id: string, image: Blob) =>
    answer(
      fetch(new URL('index', api), {
        method: 'POST',
        headers,
        body: form({ photo_id, session_id: session, ...(model && { model }) }, image),
      }),
    );
  const search = async (image: Blob, threshold: string) => {
    const { matches } = await answer(
      fetch(new URL('search', api), { method: 'POST', headers, body: form({ session_id: session, threshold }, image) }),
    );
    return matches as Match[];
  };
  try {
    const indexed = await index('group', photo);
    check(Number(indexed.faces_detected) >= 1, `the sample photo is indexed: ${indexed.faces_detected} faces`);
    const [same] = await search(photo, '0.5');
    check(
      same?.photo_id === 'group' && same.similarity > 0.9,
      `its largest face finds it: similarity ${same?.similarity}`,
    );
    check((await search(stranger, String(LEAST_SIMILARITY))).length === 0, 'a stranger finds nothing');

    await index('stranger', stranger);
    const matches = await search(again, '0');
    const [own, other] = ['group', 'stranger'].map(
      (name) => matches.find((match) => match.photo_id === name)?.similarity ?? 0,
    ) as [number, number];
    check(
      own >= LEAST_SIMILARITY && own - other >= LEAST_MARGIN,
      `another photo of the same person finds it: similarity ${own}, the stranger's ${other}`,
    );
  } finally {
    const erased = await fetch(new URL(`index/${session}`, api), { method: 'DELETE', headers });
    check(erased.status === 200, `the session is erased: ${erased.status}`);
  }
  const gone = await fetch(new URL('search', api), {
    method: 'POST',
    headers,
    body: form({ session_id: session }, photo),
  });
  check(gone.status === 404, `an erased session is unknown: ${gone.status}`);
}

/**
 * Under every pack 0.5 is a false match rate of 1e-4. The two photos of one person have 0.74 under `sface` and 0.70 under
 * `mobilefacenet`, those of two people 0.37 at most.
 */
const LEAST_SIMILARITY = 0.5;
const LEAST_MARGIN = 0.05;

/**
 * A Service may refuse connections for a moment after its pods are ready, until the node knows of them: no fault of
 * what is tested.
 * @throws what the last try met, after `waitSeconds`.
 */
async function reached(url: string, waitSeconds: number): Promise<void> {
  for (const giveUp = Date.now() + waitSeconds * 1000; ; await delay(250)) {
    try {
      await fetch(new URL('/health', url), { signal: AbortSignal.timeout(2_000) });
      return;
    } catch (error) {
      const { message, cause } = error as Error;
      if (Date.now() >= giveUp)
        throw new Error(
          `${url} is not reached within ${waitSeconds} s: ${cause instanceof Error ? cause.message : message}`,
        );
    }
  }
}

interface Arguments extends Golden {
  waitSeconds: number;
}

interface Golden {
  url: string;
  apiKey: string;
  photo: Blob;
  again: Blob;
  stranger: Blob;
}

interface Match {
  photo_id: string;
  similarity: number;
}

function form(fields: Record<string, string>, image: Blob): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  data.set('image', image, 'image.jpg');
  return data;
}

async function answer(request: Promise<Response>): Promise<Record<string, unknown>> {
  const response = await request;
  const body = await response.text();
  check(response.ok, `${new URL(response.url).pathname}: ${response.status}${response.ok ? '' : ` ${body}`}`);
  return JSON.parse(body) as Record<string, unknown>;
}

function check(held: boolean, sentence: string): void {
  process.stdout.write(`${held ? 'ok    ' : 'FAILED'} ${sentence}\n`);
  if (!held) throw new Error(sentence);
}

const samples = new URL('../../samples/', import.meta.url);
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: process.env['SMOKE_TEST_URL'] ?? 'http://127.0.0.1:8080' },
    'wait-seconds': { type: 'string', default: '20' },
    'key-file': { type: 'string', default: '/etc/facepass/smoke-test/api-key' },
    photo: { type: 'string', default: new URL('group.jpg', samples).pathname },
    again: { type: 'string', default: new URL('same-person.jpg', samples).pathname },
    stranger: { type: 'string', default: new URL('stranger.jpg', samples).pathname },
  },
});
const readImage = async (path: string) => new Blob([await readFile(path)], { type: 'image/jpeg' });
await smokeTest({
  url: values.url,
  waitSeconds: Number(values['wait-seconds']),
  apiKey: (await readFile(values['key-file'], 'utf8')).trim(),
  photo: await readImage(values.photo),
  again: await readImage(values.again),
  stranger: await readImage(values.stranger),
}).catch((error: Error) => {
  // Its last line becomes the reason that the operator gives.
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
