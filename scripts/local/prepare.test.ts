import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosePack, DEFAULT_PACK, FALLBACK_PACK } from './prepare.ts';

/** Chooses where the packs of `missing` cannot be made. */
function choose(wish: Parameters<typeof choosePack>[0], missing: string[] = []) {
  const said: string[] = [];
  const make = (pack: string) => {
    if (missing.includes(pack)) throw new Error(`no source gives ${pack}`);
  };
  return { pack: choosePack(wish, make, (line) => said.push(line)), said: said.join('\n') };
}

test('a start without a wish takes the default pack and says nothing', () => {
  assert.deepEqual(choose({}), { pack: DEFAULT_PACK, said: '' });
});

test('where no source gives the default pack, the fallback is taken, and the start says why and what it costs', () => {
  const { pack, said } = choose({}, [DEFAULT_PACK]);
  assert.equal(pack, FALLBACK_PACK);
  assert.match(said, /no source gives sface[^]*WARNING[^]*mobilefacenet[^]*this data directory keeps it/);
});

test('a data directory keeps the fallback it began with, also when the default pack can be had later', () => {
  assert.equal(choose({ kept: FALLBACK_PACK }).pack, FALLBACK_PACK);
});

test('a pack that was asked for, or that the data began with, is never replaced by another', () => {
  assert.throws(() => choose({ asked: DEFAULT_PACK }, [DEFAULT_PACK]), /no source gives sface/);
  assert.throws(() => choose({ kept: DEFAULT_PACK }, [DEFAULT_PACK]), /no source gives sface/);
});
