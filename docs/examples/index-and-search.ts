/**
 * Indexes two photos, searches by a selfie, gets the status, and erases everything again.
 * FACEPASS_URL, FACEPASS_API_KEY: the service and a key. Arguments: photo photo selfie.
 */
import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { answerOf, createFacepassClient, multipart, patientFetch } from '@facepass/client';

const facepass = createFacepassClient({
  baseUrl: process.env['FACEPASS_URL'],
  apiKey: process.env['FACEPASS_API_KEY'],
  fetch: patientFetch({ attempts: 5, longestWaitMs: 60_000 }),
});
const session_id = `example-${randomUUID()}`;
const photos = process.argv.slice(2, -1);
const selfie = process.argv.at(-1) ?? '';

for (const photo of photos) {
  const body = { session_id, photo_id: basename(photo), image: await openAsBlob(photo) };
  const indexed = answerOf(await facepass.POST('/api/v1/index', { body, bodySerializer: multipart }));
  console.log(`${indexed.photo_id}: ${indexed.faces_detected} faces`);
}

const body = { session_id, image: await openAsBlob(selfie) };
const found = answerOf(await facepass.POST('/api/v1/search', { body, bodySerializer: multipart }));
for (const { photo_id, similarity } of found.matches) console.log(`${photo_id}: similarity ${similarity.toFixed(2)}`);

const path = { session_id };
const status = answerOf(await facepass.GET('/api/v1/search/status/{session_id}', { params: { path } }));
console.log(`${status.photo_count} photos, ${status.face_count} faces`);

const erased = answerOf(await facepass.DELETE('/api/v1/index/{session_id}', { params: { path } }));
console.log(`${erased.embeddings_removed} faces erased`);
