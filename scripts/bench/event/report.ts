import type { Measured, SessionRow } from './measure.ts';
import type { Person } from './people.ts';
import { barChart, escape, lineChart, type Axis } from './plot.ts';

/** One page with everything in it: no script, nothing fetched. */
export function reportOf(
  measured: readonly Measured[],
  { people, seed }: { people: readonly Person[]; seed: number },
): string {
  const photos = people.reduce((sum, person) => sum + person.photos.length, 0);
  const [first] = measured;
  const head = first?.sessions.find(
    ({ size, selfies, threshold }) => size === 100 && selfies === 1 && threshold === 'default',
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Facepass: a search of an event</title>
<style>${STYLE}</style>
<main>
<header><h1>A selfie against an event</h1>
<p>${people.length} people, ${photos} photos. Half of the people calibrate, the other half is searched for (seed ${seed}).</p></header>
${first && head ? figures(first, head) : ''}
<section><h2>Sessions at each one’s default threshold</h2>${sessionTable(measured)}
<p class="note">Everyone searches once; the selfie’s own photo does not count. Where a session has more places than people, strangers from other photos fill it.</p></section>
<div class="pair">
<figure><h2>Same person found, by strangers let in</h2>${rocChart(measured)}<figcaption>All pairs of photos. Up and to the left is better.</figcaption></figure>
<figure><h2>False matches within a group</h2>${groupChart(measured)}<figcaption>Share of pairs of different people of one group that match at the default threshold. Dashed: 1 in 1,000.</figcaption></figure>
<figure><h2>Recall by the size of the face</h2>${sizeChart(measured)}<figcaption>A selfie in full size against another photo made so small that the shorter side of the face has so many pixels.</figcaption></figure>
<figure><h2>Recall by the quality of the selfie</h2>${qualityChart(measured)}<figcaption>Sessions of 100; a tenth of the selfies each, from the poorest on.</figcaption></figure>
</div></main></html>
`;
}

function figures({ name }: Measured, { recall, precision, allOwn, strangers }: SessionRow): string {
  const cards: [string, string][] = [
    [percent(recall), 'of the person’s photos found'],
    [percent(precision), 'of what is shown is theirs'],
    [percent(allOwn), 'of searches miss none'],
    [strangers.toFixed(2), 'strangers’ photos a search'],
  ];
  return `<section class="cards">${cards.map(([value, text]) => `<div><b>${value}</b><span>${text}</span></div>`).join('')}</section>
<p class="note">${escape(name)}, one selfie, sessions of 100 people.</p>`;
}

function sessionTable(measured: readonly Measured[]): string {
  const rows = measured.flatMap(({ name, sessions }) =>
    sessions
      .filter(({ threshold }) => threshold !== 'calibrated' && threshold !== 'the session of HTTP')
      .map(
        (row) =>
          `<tr><td>${escape(name)}${row.threshold === 'over HTTP' ? ', over HTTP' : ''}</td><td>${row.size}</td><td>${row.selfies}</td><td>${percent(row.recall)}</td><td>${percent(row.precision)}</td><td>${percent(row.allOwn)}</td><td>${percent(row.noStranger)}</td><td>${row.strangers.toFixed(3)}</td></tr>`,
      ),
  );
  return `<table><thead><tr><th></th><th>people</th><th>selfies</th><th>recall</th><th>precision</th><th>all own photos</th><th>no stranger</th><th>strangers a search</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

const SHARE: Axis = ticked('share of pairs of one person', [0.5, 0.6, 0.7, 0.8, 0.9, 1]);
const RECALL: Axis = ticked('recall', [0, 0.2, 0.4, 0.6, 0.8, 1]);

function rocChart(measured: readonly Measured[]): string {
  const x = powers('share of pairs of different people', -5, 0);
  const series = measured.map(({ name, roc }) => ({
    name,
    points: roc.filter(({ share }) => share >= 0.5).map(({ rate, share }) => [rate, share] as const),
  }));
  return lineChart({ x, y: SHARE, series });
}

function groupChart(measured: readonly Measured[]): string {
  const labels = measured[0]?.groups.map(({ group, people }) => `${group} (${people})`) ?? [];
  const series = measured.map(({ name, groups }) => ({
    name,
    values: groups.map(({ falseMatchRate }) => falseMatchRate),
  }));
  return barChart({ y: powers('false match rate', -5, 0), limit: 1e-3, labels, series });
}

function sizeChart(measured: readonly Measured[]): string {
  const sizes = measured[0]?.bySize.map(({ pixels }) => pixels) ?? [];
  const x: Axis = { ...ticked('pixels', sizes), logarithmic: true };
  const series = measured.map(({ name, bySize }) => ({
    name,
    points: bySize.map(({ pixels, recall }) => [pixels, recall] as const),
  }));
  return lineChart({ x, y: RECALL, series });
}

function qualityChart(measured: readonly Measured[]): string {
  const x = ticked('tenth of the selfies', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const y = ticked('recall', [0.8, 0.85, 0.9, 0.95, 1]);
  const series = measured
    .filter(({ byQuality }) => byQuality.length > 0)
    .map(({ name, byQuality }) => ({
      name,
      points: byQuality.map(({ recall }, i) => [i + 1, Math.max(0.8, recall)] as const),
    }));
  return lineChart({ x, y, series });
}

function ticked(title: string, values: readonly number[]): Axis {
  return { from: values[0]!, to: values.at(-1)!, title, ticks: values.map((at) => ({ at, text: `${at}` })) };
}

function powers(title: string, from: number, to: number): Axis {
  const exponents = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const ticks = exponents.map((exponent) => ({ at: 10 ** exponent, text: exponent === 0 ? '1' : `1e${exponent}` }));
  return { from: 10 ** from, to: 10 ** to, title, ticks, logarithmic: true };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

const STYLE = `
:root{color-scheme:light dark;--ink:light-dark(#17211d,#e8efeb);--soft:light-dark(#5d6a64,#9aa8a1);--line:light-dark(#dfe6e2,#2b3531);--paper:light-dark(#fff,#141a17);--ground:light-dark(#f3f6f4,#0d1210);--s0:light-dark(#0b7a5b,#3ecf9f);--s1:light-dark(#c2571a,#f0955a);--s2:light-dark(#3d5bc9,#8ea4ff);--s3:light-dark(#9b3f9b,#dd8add)}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:auto;padding:2.5rem 1.5rem 4rem}h1{font-size:2rem;margin:0}h2{font-size:1.05rem;margin:0 0 .8rem}
header p,.note,figcaption{color:var(--soft);margin:.3rem 0 0}section,figure{background:var(--paper);border:1px solid var(--line);border-radius:14px;padding:1.25rem;margin:1.25rem 0 0}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(12rem,1fr));gap:1rem;margin-top:1.75rem}.cards b{display:block;font-size:2rem;font-weight:650;color:var(--s0)}.cards span{color:var(--soft)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(30rem,100%),1fr));gap:0 1.25rem}section{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{padding:.4rem .7rem;text-align:right;border-top:1px solid var(--line);white-space:nowrap}th{color:var(--soft);font-weight:500;border:0}td:first-child,th:first-child{text-align:left}
svg{width:100%;height:auto}.grid line{stroke:var(--line)}text{fill:var(--soft);font-size:12px}.label{fill:var(--ink);font-size:13px}
polyline{fill:none;stroke-width:2.5;stroke-linejoin:round}.limit{stroke:var(--ink);stroke-dasharray:5 4}
.series.s0{stroke:var(--s0);fill:var(--s0)}.series.s1{stroke:var(--s1);fill:var(--s1)}.series.s2{stroke:var(--s2);fill:var(--s2)}.series.s3{stroke:var(--s3);fill:var(--s3)}
.bar.s0{fill:var(--s0)}.bar.s1{fill:var(--s1)}.bar.s2{fill:var(--s2)}.bar.s3{fill:var(--s3)}i.s0{background:var(--s0)}i.s1{background:var(--s1)}i.s2{background:var(--s2)}i.s3{background:var(--s3)}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin:.6rem 0 0;font-size:.9rem}.legend i{display:inline-block;width:.8rem;height:.8rem;border-radius:3px;margin-right:.4rem;vertical-align:-1px}`;
