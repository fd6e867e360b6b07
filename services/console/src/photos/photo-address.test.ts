import assert from 'node:assert/strict';
import { test } from 'node:test';
import { photoAddress } from './photo-address.ts';

test('each id becomes exactly one segment of the address', () => {
  const template = 'https://photos.example.com/{session_id}/{photo_id}?size=large';
  assert.equal(
    photoAddress(template, 'a/b', '../c?d#e&f.jpg'),
    'https://photos.example.com/a%2Fb/..%2Fc%3Fd%23e%26f.jpg?size=large',
  );
  assert.equal(photoAddress('/samples/{photo_id}', 's', '$&.jpg'), '/samples/%24%26.jpg');
});

test('without a template there is no address', () => {
  assert.equal(photoAddress(null, 's', 'p'), null);
});
