import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readModelPack } from '@facepass/contracts/model-pack';
import { preparePack, type Preparation } from '../prepare.ts';

const MODELS = join(import.meta.dirname, '..');
const TINY_WEIGHTS = 'weights of a tiny network';
const TEST_MODELS = process.env['FACEPASS_TEST_MODELS'];

describe('preparing a model pack', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'facepass-models-'));
  });

  after(() => rm(folder, { recursive: true }));

  test('makes what is missing, and then only verifies it', async () => {
    const out = join(folder, 'fresh');
    const lines = await prepare({ pack: 'dlib', out });
    for (const [i, file] of ['detector.onnx', 'landmarks.onnx', 'recogniser.onnx'].entries()) {
      assert.ok(lines[i]?.startsWith(`${out}/dlib/${file}: converted from npm package @vladmandic/face-api`), lines[i]);
    }
    assert.deepEqual((await readdir(join(out, 'dlib'))).sort(), [
      'detector.onnx',
      'landmarks.onnx',
      'manifest.json',
      'recogniser.onnx',
    ]);
    assert.deepEqual(
      (await prepare({ pack: 'dlib', out })).map((line) => line.split(': ')[1]),
      ['verified', 'verified', 'verified'],
    );
  });

  test('twice at the same time leaves one whole pack', async () => {
    const out = join(folder, 'twice');
    await Promise.all([prepare({ pack: 'dlib', out }), prepare({ pack: 'dlib', out })]);
    assert.deepEqual(
      (await prepare({ pack: 'dlib', out })).map((line) => line.split(': ')[1]),
      ['verified', 'verified', 'verified'],
    );
    assert.equal((await readdir(join(out, 'dlib'))).length, 4);
  });

  test('refuses a file with one flipped bit, names it, and leaves it as it was', async () => {
    const out = join(folder, 'flipped');
    await prepare({ pack: 'dlib', out });
    const path = join(out, 'dlib', 'landmarks.onnx');
    const flipped = await flipBit(path);
    await assert.rejects(
      prepare({ pack: 'dlib', out }),
      new RegExp(
        `^Error: ${path}: delete it to have it made again; its sha256 is [0-9a-f]{64}, the manifest pins [0-9a-f]{64}$`,
      ),
    );
    assert.deepEqual(await readFile(path), flipped);
  });

  test('copies what the user brings, and keeps none of it that has a flipped bit', async () => {
    const from = join(folder, 'brought');
    const out = join(folder, 'copied');
    await prepare({ pack: 'dlib', out: join(folder, 'source') });
    await cp(join(folder, 'source', 'dlib'), from, { recursive: true });
    await flipBit(join(from, 'recogniser.onnx'));
    await assert.rejects(
      prepare({ pack: 'dlib', from, out }),
      /copied\/dlib\/recogniser\.onnx: not kept, since its sha256 is/,
    );
    assert.deepEqual((await readdir(join(out, 'dlib'))).sort(), ['detector.onnx', 'landmarks.onnx', 'manifest.json']);
  });

  test("says which file of a pack is the user's to bring, and where it is had", async () => {
    const out = join(folder, 'missing');
    await assert.rejects(
      prepare({ pack: 'arcface', out }),
      /arcface\/det_10g\.onnx is yours to bring \(.*buffalo_l\.zip\): .*--from/,
    );
    await assert.rejects(prepare({ pack: 'arcface', out, from: folder }), new RegExp(`${folder} has no det_10g.onnx`));
  });

  test('fetches what has a url, and keeps nothing when the server answers with other bytes or an error', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/gone.onnx') response.statusCode = 404;
      response.end(request.url === '/other.onnx' ? 'something else' : TINY_WEIGHTS);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const manifests = join(folder, 'fetched');
    try {
      await describePack(manifests, `http://127.0.0.1:${port}/whole.onnx`);
      assert.deepEqual(await prepare({ pack: 'tiny', manifests }), [
        `${manifests}/tiny/one.onnx: fetched from http://127.0.0.1:${port}/whole.onnx`,
        `${manifests}/tiny/two.onnx: fetched from http://127.0.0.1:${port}/whole.onnx`,
      ]);
      assert.deepEqual(await readFile(join(manifests, 'tiny', 'two.onnx'), 'utf8'), TINY_WEIGHTS);
      const refusals = [
        ['other.onnx', /one\.onnx: not kept, since its sha256 is/],
        ['gone.onnx', /gone\.onnx: HTTP 404/],
      ] as const;
      for (const [path, message] of refusals) {
        const refused = join(folder, path);
        await describePack(refused, `http://127.0.0.1:${port}/${path}`);
        await assert.rejects(prepare({ pack: 'tiny', manifests: refused }), message);
        assert.deepEqual(await readdir(join(refused, 'tiny')), ['manifest.json']);
      }
    } finally {
      server.close();
    }
    await assert.rejects(
      prepare({ pack: 'tiny', manifests, out: join(folder, 'refused') }),
      /whole\.onnx: connect ECONNREFUSED/,
    );
  });

  test(
    'of the test models fills their pack',
    { skip: TEST_MODELS ? false : 'FACEPASS_TEST_MODELS names no folder' },
    async () => {
      const lines = await prepare({ pack: 'mobilefacenet', from: TEST_MODELS!, out: join(folder, 'test-models') });
      assert.deepEqual(
        lines.map((line) => line.split(': ')[1]),
        [`copied from ${TEST_MODELS}`, `copied from ${TEST_MODELS}`],
      );
    },
  );

  test('ends with status 1 and a message where it cannot be done', () => {
    for (const [options, message] of [
      [['--pack', 'nobody'], 'nobody/manifest.json'],
      [['--colour'], '--colour'],
    ] as const) {
      const { status, stderr } = spawnSync(process.execPath, [join(MODELS, 'prepare.ts'), ...options], {
        encoding: 'utf8',
      });
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(message));
      assert.doesNotMatch(stderr, /\n\s+at /);
    }
  });
});

test('every pack has a manifest of the agreed form, named after its folder, and a model card', async () => {
  const packs = (await readdir(MODELS, { withFileTypes: true, recursive: true })).filter(
    (entry) => entry.name === 'manifest.json',
  );
  assert.ok(packs.length >= 4);
  for (const { parentPath } of packs) {
    const { name } = await readModelPack(MODELS, parentPath.slice(MODELS.length + 1));
    assert.equal(join(MODELS, name), parentPath);
    assert.match(await readFile(join(parentPath, 'README.md'), 'utf8'), /^# /);
  }
});

async function prepare(preparation: Preparation): Promise<string[]> {
  const lines = [];
  for await (const line of preparePack(preparation)) lines.push(line);
  return lines;
}

async function flipBit(path: string): Promise<Buffer> {
  const bytes = await readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(path, bytes);
  return bytes;
}

/** A pack `tiny` of two files, both to be had at `url`. */
async function describePack(manifests: string, url: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(MODELS, 'mobilefacenet', 'manifest.json'), 'utf8'));
  const pinned = { sha256: createHash('sha256').update(TINY_WEIGHTS).digest('hex'), url };
  Object.assign(manifest, { name: 'tiny' });
  Object.assign(manifest.detector, pinned, { file: 'one.onnx' });
  Object.assign(manifest.recogniser, pinned, { file: 'two.onnx' });
  await mkdir(join(manifests, 'tiny'), { recursive: true });
  await writeFile(join(manifests, 'tiny', 'manifest.json'), JSON.stringify(manifest));
}
