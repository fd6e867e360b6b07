import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PEOPLE, portrait } from '../../api/tests/people.ts';
import { s3Environment, startS3Server, type S3Server } from '../../api/tests/s3-server.ts';
import { KEY, startTestService, type TestService } from '../../api/tests/service.ts';
import { startIndexerProcess } from '../../indexer/tests/indexer.ts';
import { facepass, root, shell } from '../../../scripts/local/tests/local-facepass.ts';

const noCurl = spawnSync('curl', ['--version']).error ? 'curl is not on the PATH' : false;

describe('facepass index --s3-prefix and facepass jobs', () => {
  let bucket: S3Server;
  let service: TestService;
  before(async () => {
    bucket = await startS3Server();
    service = await startTestService({ environment: s3Environment(bucket) });
    for (let n = 0; n < 3; n += 1) bucket.objects.set(`/photos/wedding/${n}.jpg`, await portrait(n % PEOPLE));
    bucket.objects.set('/photos/wedding/broken.jpg', Buffer.from('not an image at all'));
  });
  after(async () => {
    await service?.[Symbol.asyncDispose]();
    await bucket?.[Symbol.asyncDispose]();
  });

  const environment = () => ({ ...process.env, FACEPASS_URL: service.url, FACEPASS_API_KEY: KEY });
  const run = (...args: string[]) => facepass(args, environment());
  const startIndexer = () =>
    startIndexerProcess({
      DATABASE_URL: service.database.url,
      DATABASE_POOL_SIZE: service.database.engine === 'embedded' ? '1' : '10',
      INFERENCE_ADDRESS: service.inference!.address,
      ...s3Environment(bucket),
    });
  const wedding = ['index', '--s3-prefix', 'wedding/', '--session', 'wedding'];

  test('a job goes on when the command that follows it is interrupted, and is followed again to its end', async () => {
    const interrupted = await facepass([...wedding], environment(), { interruptAfterLines: 2 });
    assert.equal(interrupted.code, 130);
    const id = /^Job (\S+) indexes the photos below "wedding\/" into session "wedding"\.$/m.exec(
      interrupted.stdout,
    )?.[1];
    assert.ok(id, interrupted.stdout);
    assert.equal(
      interrupted.stderr,
      `The job continues without this command. Look again with: facepass jobs show ${id} --follow\n`,
    );
    await using _indexer = await startIndexer();
    const { code, stdout } = await run('jobs', 'show', id, '--follow');
    assert.equal(code, 1, 'a photo failed');
    assert.match(
      stdout,
      /^finished: 4 of 4 photos · 1 failed\n  failed  wedding\/broken\.jpg: .+ \(not_an_image\)\n$/m,
    );

    bucket.objects.set('/photos/wedding/broken.jpg', await portrait(0));
    const retried = await run('jobs', 'retry', id, '--follow');
    assert.equal(retried.code, 0, retried.stderr);
    assert.match(retried.stdout, /finished: 4 of 4 photos\n$/);
    assert.match(
      (await run('jobs', '--session', 'wedding')).stdout,
      new RegExp(`^${id}  \\S+  finished: 4 of 4 photos\n$`),
    );
  });

  test('a job that nobody waits for is shown, cancelled and listed', async () => {
    const { stdout } = await run(...wedding, '--session', 'later', '--detach', '--json');
    const { job_id } = JSON.parse(stdout);
    const shown = await run('jobs', 'show', job_id, '--json');
    assert.deepEqual([shown.code, JSON.parse(shown.stdout).state], [0, 'listing']);
    const cancelled = await run('jobs', 'cancel', job_id);
    assert.match(cancelled.stdout, new RegExp(`^Job ${job_id} of session "later": cancelled: 0 of 0 photos`));
    const listed = (await run('jobs', 'list', '--session', 'later', '--json')).stdout.trim().split('\n');
    assert.deepEqual(
      listed.map((line) => JSON.parse(line).job_id),
      [job_id],
    );
    assert.equal((await run('jobs', '--session', 'nobody')).stdout, 'Session "nobody" has no jobs.\n');
  });

  test('every command of the page about indexing a bucket works as it stands', { skip: noCurl }, async () => {
    const page = readFileSync(join(root, 'docs/how-to/index-a-bucket.md'), 'utf8');
    const commands = [...page.matchAll(/^ {3}(curl .*)$/gm)].map(([, command = '']) => command);
    assert.equal(commands.length, 5);
    const variables: Record<string, string> = { key: KEY, url: service.url };
    await using _indexer = await startIndexer();
    for (const command of commands) {
      const { code, stdout, stderr } = await shell(command.replace('curl', 'curl -sS --fail-with-body'), {
        ...process.env,
        ...variables,
      });
      assert.equal(code, 0, `${command}\n${stdout}${stderr}`);
      variables['job_id'] ??= JSON.parse(stdout).job_id;
      if (command.includes('/events')) assert.match(stdout, /"state":"finished"/);
    }
  });

  test('a folder and a prefix exclude each other, one is needed, and a job that is not there is named', async () => {
    for (const args of [
      ['index', '--session', 's'],
      [...wedding, 'samples'],
    ]) {
      const { code, stderr } = await run(...args);
      assert.deepEqual([code, stderr], [2, 'Name a folder, or a prefix of the bucket with --s3-prefix.\n']);
    }
    const id = '00000000-0000-4000-8000-000000000000';
    const { code, stderr } = await run('jobs', 'show', id);
    assert.equal(code, 5);
    assert.match(stderr, new RegExp(`There is no job ${id}.*job_not_found`));
  });
});
