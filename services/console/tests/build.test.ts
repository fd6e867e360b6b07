import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ensureBuilt } from './build.ts';

const DIST = join(import.meta.dirname, '../dist');
const MOST_BYTES = 150_000;

before(ensureBuilt);

test('nothing stands inline in the pages and every address in them is the service’s own', () => {
  for (const page of ['index.html', 'guest.html']) {
    const html = readFileSync(join(DIST, page), 'utf8');
    assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
    for (const [, address] of html.matchAll(/(?:src|href)="([^"]*)"/g))
      assert.match(address ?? '', /^\/(assets\/|icon\.svg$)/);
  }
});

test(`both pages together, with their font, are below ${MOST_BYTES} bytes on the wire`, () => {
  const files = [...globSync('assets/*', { cwd: DIST }), 'index.html', 'guest.html'];
  const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(DIST, file))).length, 0);
  assert.ok(bytes < MOST_BYTES, `${bytes} bytes`);
});
