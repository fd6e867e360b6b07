import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosePack, DEFAULT_PACK, FALLBACK_PACK } from './prepare.ts';

/** Chooses a pack while the packs in `missing` are not available. */
function choose(wish: Parameters<typeof choosePack>[0], missing: string[] = []) {
  const said: string[] = [];
  const make = (pack: string) => {
    if (missing.includes(pack)) throw new Error(`no source gives ${pack}`);
  };
  return { pack: choosePack(wish, make, (line) => said.push(line)), said: said.join('\n') };
}

test('a start uses the default pack and prints nothing about it', () => {
  assert.deepEqual(choose({}), { pack: DEFAULT_PACK, said: '' });
});

test('without a source for the default pack the start uses the fallback and says why and what it costs', () => {
  const { pack, said } = choose({}, [DEFAULT_PACK]);
  assert.equal(pack, FALLBACK_PACK);
  assert.match(said, /no source gives sface[^]*WARNING[^]*mobilefacenet[^]*this data directory keeps it/);
});

test('a data directory keeps the fallback it began with, even if the default pack becomes available', () => {
  assert.equal(choose({ kept: FALLBACK_PACK }).pack, FALLBACK_PACK);
});

test('a requested pack, or the pack that the data began with, is never replaced', () => {
  assert.throws(() => choose({ asked: DEFAULT_PACK }, [DEFAULT_PACK]), /no source gives sface/);
  assert.throws(() => choose({ kept: DEFAULT_PACK }, [DEFAULT_PACK]), /no source gives sface/);
});
