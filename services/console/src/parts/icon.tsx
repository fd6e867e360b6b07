/** A line icon of 24 × 24. The text beside it has the meaning, so it is hidden from screen readers. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

const PATHS = {
  camera: 'M4 8h3l1.5-2.500h7L17 8h3v11H4zM12 16.500a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.400z',
  upload: 'M12 16V5M7.5 9 12 4.5 16.5 9M5 16v3h14v-3',
  download: 'M12 5v11M7.5 12 12 16.5 16.5 12M5 16v3h14v-3',
  folder: 'M3.5 6h6l2 2.500h9V18.500h-17z',
  image: 'M4 5h16v14H4zM4 16l4.5-4.5 4 4L16 12l4 4M9 9.500h.01',
  face: 'M12 20.500a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM9 10v.01M15 10v.01M8.8 14.500c1.8 1.7 4.6 1.7 6.4 0',
  key: 'M8 16.500a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 12.500h8.500v3M17 12.500v2.5',
  link: 'M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.700l-.8.800M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.700l.8-.8',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  print: 'M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z',
  trash: 'M5 7h14M10 7V4.500h4V7M7 7l.8 12.500h8.400L17 7M10.5 10.500v6M13.5 10.500v6',
  retry: 'M5 12a7 7 0 1 0 2.3-5.200M5 4.500v4h4',
  close: 'M6 6l12 12M18 6 6 18',
  left: 'M14.5 6 8.5 12l6 6',
  right: 'M9.5 6l6 6-6 6',
  check: 'M5 12.500l4.5 4.500L19 7.5',
  warning: 'M12 4 3 19.500h18zM12 10v4.500M12 17v.01',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 20 20',
  plus: 'M12 5v14M5 12h14',
  open: 'M13 5h6v6M19 5l-8 8M17 14v5H5V7h5',
} as const;

export type IconName = keyof typeof PATHS;
