import assert from 'node:assert/strict';
import { test } from 'node:test';
import { photoIdOf, sessionIdProblem, unguessable } from './photo-id.ts';

test('the id of a photo is its path inside the folder, or its file name', () => {
  assert.equal(photoIdOf('IMG_1.jpg', 'wedding/IMG_1.jpg'), 'IMG_1.jpg');
  assert.equal(photoIdOf('IMG_1.jpg', 'wedding/church/IMG_1.jpg'), 'church/IMG_1.jpg');
  assert.equal(photoIdOf('IMG_1.jpg'), 'IMG_1.jpg');
});

test('a photo id has at most 255 characters, no control characters, and one spelling of each letter', () => {
  assert.equal(photoIdOf(`${'x'.repeat(300)}.jpg`).length, 255);
  assert.ok(photoIdOf(`${'x'.repeat(300)}.jpg`).endsWith('.jpg'));
  assert.equal(photoIdOf('a\nb.jpg'), 'a_b.jpg');
  assert.equal(photoIdOf('e\u0301.jpg'), '\u00e9.jpg');
});

test('an unguessable name keeps the typed text and differs each time', () => {
  const random = (bytes: Uint8Array<ArrayBuffer>) => void crypto.getRandomValues(bytes);
  const names = new Set(Array.from({ length: 100 }, () => unguessable(' Anna & Ben, 9 May ', random)));
  assert.equal(names.size, 100);
  for (const name of names) assert.match(name, /^anna-ben-9-may-[02-9a-z]{12}$/);
  assert.match(unguessable('???', random), /^event-/);
});

test('rejects a session id for the same reason as the service', () => {
  assert.equal(sessionIdProblem('wedding'), null);
  assert.match(sessionIdProblem('') ?? '', /Enter a session id/);
  assert.match(sessionIdProblem('x'.repeat(256)) ?? '', /255/);
  assert.match(sessionIdProblem('a\tb') ?? '', /control/);
});
