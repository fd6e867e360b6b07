import { readFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';

/**
 * Indexes, searches and erases real photos through a running service, in a session of its own: a model that loads but
 * sees nothing answers 200, so only a recognised face counts. `helm test` runs it; exit code 0 means all of it held.
 *
 *   node services/api/smoke-test.ts --url http://… --keys FILE [--photo group.jpg] [--stranger other.jpg]
 *
 * SMOKE_TEST_URL stands in for --url: the operator sets it to the candidate of a release.
 */
async function smokeTest({ url, apiKey, photo, stranger }: Arguments): Promise<void> {
  const session = `smoke-test-${randomUUID()}`;
  const api = new URL('/api/v1/', url);
  const headers = { 'X-API-Key': apiKey };
  try {
    const indexed = await answer(fetch(new URL('index', api), { method: 'POST', headers, body: form({ photo_id: 'group', session_id: session }, photo) }));
    check(Number(indexed.faces_detected) >= 1, `the sample photo is indexed: ${indexed.faces_detected} faces`);

    const found = await answer(fetch(new URL('search', api), { method: 'POST', headers, body: form({ session_id: session }, photo) }));
    const best = (found.matches as Match[])[0];
    check(best?.photo_id === 'group' && best.similarity > 0.9, `its largest face finds it: similarity ${best?.similarity}`);

    const strangers = await answer(fetch(new URL('search', api), { method: 'POST', headers, body: form({ session_id: session }, stranger) }));
    check((strangers.matches as Match[]).length === 0, 'a stranger finds nothing');
  } finally {
    const erased = await fetch(new URL(`index/${session}`, api), { method: 'DELETE', headers });
    check(erased.status === 200, `the session is erased: ${erased.status}`);
  }
  const gone = await fetch(new URL('search', api), { method: 'POST', headers, body: form({ session_id: session }, photo) });
  check(gone.status === 404, `an erased session is unknown: ${gone.status}`);
}

interface Arguments {
  url: string;
  apiKey: string;
  photo: Blob;
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

/** The first key of a keys file (`name:key:scopes` lines). */
async function firstKey(path: string): Promise<string> {
  const [, key] = (await readFile(path, 'utf8')).trim().split(/[:\n,]/);
  if (!key) throw new Error(`${path}: no line of the form name:key`);
  return key.trim();
}

const samples = new URL('../../samples/', import.meta.url);
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: process.env['SMOKE_TEST_URL'] ?? 'http://127.0.0.1:8080' },
    keys: { type: 'string', default: '/etc/facepass/api-keys/api-keys' },
    photo: { type: 'string', default: new URL('group.jpg', samples).pathname },
    stranger: { type: 'string', default: new URL('stranger.jpg', samples).pathname },
  },
});
const readImage = async (path: string) => new Blob([await readFile(path)], { type: 'image/jpeg' });
await smokeTest({
  url: values.url,
  apiKey: await firstKey(values.keys),
  photo: await readImage(values.photo),
  stranger: await readImage(values.stranger),
});
