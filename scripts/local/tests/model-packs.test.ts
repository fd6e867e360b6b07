import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { portrait } from '../../../services/api/tests/people.ts';
import { freePort } from '../services.ts';
import { root, startLocally } from './local-facepass.ts';

const scratch = mkdtempSync(join(tmpdir(), 'facepass-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const SFACE = join(root, 'models/sface/recogniser.onnx');
const { MODEL_WEIGHTS_DIRECTORY: _, ...environment } = process.env;

/** Starts on an empty directory, with `variables` set. */
async function start(variables: NodeJS.ProcessEnv) {
  return startLocally(mkdtempSync(join(scratch, 'data-')), await freePort(0), { ...environment, ...variables });
}

test('a pack that is not there ends the start, with the names of those that are', async () => {
  await assert.rejects(start({ MODEL_PACK: 'nobody' }), /MODEL_PACK=nobody: no such pack; models\/ has .*sface.*\./);
});

test(
  'a pack whose files the user has to bring ends the start, says which file it lacks and how to bring it',
  { skip: globSync(join(root, 'models/arcface/*.onnx')).length > 0 ? 'models/arcface has its files' : false },
  async () => {
    await assert.rejects(start({ MODEL_PACK: 'arcface' }), ({ message }: Error) => {
      assert.match(message, /Preparing the models of the pack arcface \(npm run models -- --pack arcface\)/);
      assert.match(message, /arcface\/det_10g\.onnx is yours to bring/);
      assert.match(
        message,
        /npm run models -- --pack arcface --from <folder>, or set MODEL_WEIGHTS_DIRECTORY to the folder/,
      );
      return true;
    });
  },
);

test(
  'another pack starts with its files in a folder of the user, and finds a person',
  { skip: existsSync(SFACE) ? false : 'npm run models -- --pack sface was not run' },
  async () => {
    const {
      process: starter,
      url,
      apiKey,
    } = await start({ MODEL_PACK: 'sface', MODEL_WEIGHTS_DIRECTORY: dirname(SFACE) });
    try {
      const send = async (call: string, fields: Record<string, string>, image: Buffer) => {
        const form = new FormData();
        for (const [name, value] of Object.entries(fields)) form.append(name, value);
        form.append('image', new Blob([new Uint8Array(image)]));
        return (
          await fetch(`${url}/api/v1/${call}`, { method: 'POST', headers: { 'X-API-Key': apiKey }, body: form })
        ).json() as Promise<any>;
      };
      for (const person of [0, 1])
        await send('index', { session_id: 's', photo_id: `person ${person}` }, await portrait(person));
      const { matches } = await send('search', { session_id: 's' }, await portrait(1, 3));
      assert.deepEqual(
        matches.map(({ photo_id }: { photo_id: string }) => photo_id),
        ['person 1'],
      );
    } finally {
      starter.kill('SIGTERM');
      await once(starter, 'exit');
    }
  },
);
