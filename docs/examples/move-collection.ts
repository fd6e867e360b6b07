/**
 * Indexes the photos of another service's collection that lie in the bucket of Facepass (docs/how-to).
 * FACEPASS_URL, FACEPASS_API_KEY: the service and a key. Argument: the export, JSON of one of these kinds:
 * - Rekognition: `aws rekognition list-faces --collection-id ID`
 * - CompreFace: GET /api/v1/recognition/faces
 * - a list of photo ids, or of objects with `img_name`, as from DeepFace's table
 * --session ID names the session, --key 'photos/{id}' where a photo lies in the bucket (default '{id}').
 * Prints a JSON line for each photo that was not indexed; exit code 1 if there was one.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { answerOf, createFacepassClient, patientFetch } from '@facepass/client';

const BATCH_PHOTOS = 200;

const { values, positionals } = parseArgs({
  options: { session: { type: 'string' }, key: { type: 'string', default: '{id}' } },
  allowPositionals: true,
});
const [file] = positionals;
const { session, key } = values;
if (!file || !session) throw new Error('usage: move-collection.ts EXPORT.json --session ID [--key photos/{id}]');

const facepass = createFacepassClient({
  baseUrl: process.env['FACEPASS_URL'],
  apiKey: process.env['FACEPASS_API_KEY'],
  fetch: patientFetch({ attempts: 5, longestWaitMs: 60_000 }),
});
const ids = photoIdsOf(JSON.parse(readFileSync(file, 'utf8')));
let indexed = 0;
for (let at = 0; at < ids.length; at += BATCH_PHOTOS) {
  const photos = ids
    .slice(at, at + BATCH_PHOTOS)
    .map((photo_id) => ({ photo_id, s3_key: key.replaceAll('{id}', photo_id) }));
  const answer = answerOf(await facepass.POST('/api/v1/index/batch', { body: { session_id: session, photos } }));
  if (!('errors' in answer)) throw new Error('the service answered with something else than a batch');
  indexed += answer.indexed;
  for (const error of answer.errors) console.log(JSON.stringify(error));
  console.error(`${Math.min(at + BATCH_PHOTOS, ids.length)} of ${ids.length} photos, ${indexed} indexed`);
}
process.exitCode = indexed < ids.length ? 1 : 0;

/** Each photo once: the others list faces, several of one photo. */
function photoIdsOf(exported: unknown): string[] {
  const { Faces, faces } = exported as { Faces?: unknown[]; faces?: unknown[] };
  const entries = Faces ?? faces ?? exported;
  if (!Array.isArray(entries)) throw new Error(`${file} has no list of faces or photos`);
  return [...new Set(entries.map(photoIdOf))];
}

function photoIdOf(entry: unknown): string {
  const fields = (typeof entry === 'object' ? entry : {}) as Record<string, unknown>;
  const id = typeof entry === 'string' ? entry : (fields['ExternalImageId'] ?? fields['subject'] ?? fields['img_name']);
  if (typeof id === 'string' && id !== '') return id;
  throw new Error(`an entry names no photo: ${JSON.stringify(entry)}`);
}
