import { RATES, type Measured } from './measure.ts';

/** The figures as Markdown tables. */
export function tablesOf(all: readonly Measured[]): string {
  return [
    table(
      [
        'all pairs',
        'face found',
        'equal error rate',
        ...RATES.map((rate) => `TAR at ${power(rate)}`),
        'threshold',
        'FMR there',
      ],
      all.map(({ name, found, equalErrorRate, trueAcceptRates, threshold, groups: _, pairs }) => [
        name,
        `${found.portraits} of ${found.photos}`,
        percent(equalErrorRate),
        ...trueAcceptRates.all.map((share, i) => `${share.toFixed(3)} (${trueAcceptRates.half[i]!.toFixed(3)})`),
        threshold.toFixed(3),
        power(pairs.different.filter((score) => score >= threshold).length / pairs.different.length),
      ]),
    ),
    table(
      [
        'sessions',
        'people',
        'selfies',
        'threshold',
        'searches',
        'recall',
        'precision',
        'all own photos',
        'no stranger',
        'strangers’ photos a search',
      ],
      all.flatMap(({ name, sessions }) =>
        sessions.map((row) => [
          name,
          row.size,
          row.selfies,
          row.threshold,
          row.searches,
          row.recall.toFixed(3),
          row.precision.toFixed(3),
          row.allOwn.toFixed(3),
          row.noStranger.toFixed(3),
          row.strangers.toFixed(3),
        ]),
      ),
    ),
    table(
      [
        'groups, at the default',
        'group',
        'people',
        'different pairs',
        'FMR',
        'TMR',
        'recall, 100 people',
        'strangers’ photos a search',
      ],
      all.flatMap(({ name, groups }) =>
        groups.map((row) => [
          name,
          row.group,
          row.people,
          row.pairs,
          power(row.falseMatchRate),
          row.trueMatchRate.toFixed(3),
          row.recall.toFixed(3),
          row.strangers.toFixed(3),
        ]),
      ),
    ),
    table(
      ['recall by the selfie’s quality', ...Array.from({ length: 10 }, (_, i) => `${i + 1}`)],
      all
        .filter(({ byQuality }) => byQuality.length > 0)
        .map(({ name, byQuality }) => [
          name,
          ...byQuality.map(({ upTo, recall }) => `${recall.toFixed(3)} (to ${upTo.toFixed(2)})`),
        ]),
    ),
    table(
      ['recall by the shorter side of the face', ...(all[0]?.bySize.map(({ pixels }) => `${pixels} px`) ?? [])],
      all.map(({ name, bySize }) => [name, ...bySize.map(({ recall }) => recall.toFixed(3))]),
    ),
  ].join('\n\n');
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function power(rate: number): string {
  return rate === 0 ? '0' : rate.toExponential(rate === Number(rate.toPrecision(1)) ? 0 : 1);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
