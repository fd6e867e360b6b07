import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { PROCESS_ENVIRONMENT } from './process-environment.ts';

test('the image starts the server with the environment that the measurements were made with', async () => {
  const dockerfile = await readFile(new URL('../../../Dockerfile', import.meta.url), 'utf8');
  const stage = /^FROM runtime AS inference\n(.*?)^FROM /ms.exec(dockerfile)![1]!;
  const settings = [...stage.matchAll(/^ENV (.*)$/gm)].flatMap(([, line]) =>
    line!.split(' ').map((setting) => setting.split(/=(.*)/).slice(0, 2)),
  );
  assert.deepEqual(Object.fromEntries(settings), PROCESS_ENVIRONMENT);
});
