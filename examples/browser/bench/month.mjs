// An invented month of ten computers and the eight people at them, the same but for its dates whenever it is made.

export const COMPUTERS = 10;
const PEOPLE = ["Mara Lindqvist", "Tomás Oyelaran", "Aiko Brandt", "Émile Duarte", "Nadia Petrov", "Jonas Achterberg", "Lucía Moreau", "Sven Okafor"];
const [APPS, TITLES, HOSTS, DOCUMENTS] = [150, 10_000, 600, 4_000];
const DAYS = 30;
const DAY_MS = 86_400_000;

/** `count` events of each computer, as the service takes them, with words for values: on working days up to today. */
export function month(count, now = new Date()) {
  const random = generator(2026);
  // The lower a number, the more often it comes: Zipf's law.
  const often = (most) => Math.floor(Math.exp(random() * Math.log(most + 1))) - 1;
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const days = Array.from({ length: DAYS }, (_, ago) => today - ago * DAY_MS).filter((day) => new Date(day).getDay() % 6 !== 0).reverse();
  return Array.from({ length: COMPUTERS }, (_, computer) => {
    let start = 0;
    return Array.from({ length: count }, (_, seq) => {
      const morning = days[Math.floor(seq * days.length / count)] + (7.5 + random()) * 3_600_000;
      if (start < morning - 3_600_000) start = morning;
      // From 15 seconds to 20 minutes, a minute in the middle.
      const duration = Math.min(15_000 * random() ** -0.75, 1_200_000);
      const event = {
        seq, action: "use", start_us: Math.round(start) * 1000, duration_us: Math.round(duration) * 1000,
        active_us: Math.round(duration * random()) * 1000, values: words(often(TITLES), PEOPLE[computer % PEOPLE.length]),
      };
      start += duration;
      return event;
    });
  });
}

/** Names of programs, titles of windows, and what is open in them: about as long as real ones. */
function words(title, person) {
  const app = `App ${String(title % APPS).padStart(3, "0")}.exe`;
  const what = title % 2 === 0
    ? { host: `intranet-${title % HOSTS}.example.com` }
    : { document: `C:\\Users\\shared\\projects\\${title % 40}\\report-${title % DOCUMENTS}.docx` };
  return { app, title: `Quarterly report ${title}, third draft (shared) – ${app}`, ...what, person };
}

/** The same numbers from 0 to 1, never 0, for the same seed: mulberry32. */
function generator(seed) {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0 || 1) / 2 ** 32;
  };
}
