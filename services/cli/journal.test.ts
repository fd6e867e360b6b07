import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { forgetSession, openJournal } from './journal.ts';
import type { PhotoFile } from './photos.ts';

const state = mkdtempSync(join(tmpdir(), 'facepass-'));
const environment = { XDG_STATE_HOME: state };
after(() => rmSync(state, { recursive: true }));

const photo: PhotoFile = { photoId: 'party/a.jpg', path: '/photos/party/a.jpg', size: 10, modifiedMs: 1000 };

function open(session: string) {
  return openJournal('http://localhost:1', session, '/photos', environment);
}

test('an acknowledged photo is remembered until it changes', () => {
  {
    using journal = open('s');
    assert.equal(journal.facesOf(photo), null);
    journal.add(photo, 3);
    journal.add({ ...photo, photoId: 'empty.jpg' }, 0);
  }
  using journal = open('s');
  assert.equal(journal.facesOf(photo), 3);
  assert.equal(journal.photosWithFaces, 1);
  assert.equal(journal.facesOf({ ...photo, size: 11 }), null);
  assert.equal(journal.facesOf({ ...photo, modifiedMs: 1001 }), null);
});

test('a line that a kill cut off loses only its own photo', () => {
  {
    using journal = open('cut');
    journal.add(photo, 1);
    appendFileSync(journal.path, '{"photo_id":"party/b.jpg","si');
  }
  {
    using journal = open('cut');
    journal.add({ ...photo, photoId: 'party/c.jpg' }, 2);
  }
  using journal = open('cut');
  assert.equal(journal.facesOf(photo), 1);
  assert.equal(journal.facesOf({ ...photo, photoId: 'party/b.jpg' }), null);
  assert.equal(journal.facesOf({ ...photo, photoId: 'party/c.jpg' }), 2);
});

test('sessions, folders and services are kept apart, and an erased session is forgotten', () => {
  {
    using journal = open('one');
    journal.add(photo, 1);
  }
  for (const [url, session, folder] of [
    ['http://localhost:1', 'two', '/photos'],
    ['http://localhost:1', 'one', '/other'],
    ['http://localhost:2', 'one', '/photos'],
  ] as const) {
    using journal = openJournal(url, session, folder, environment);
    assert.equal(journal.facesOf(photo), null);
  }
  forgetSession('http://localhost:1', 'one', environment);
  using journal = open('one');
  assert.equal(journal.facesOf(photo), null);
});
